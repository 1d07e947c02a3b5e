import {describe, expect, test} from "vitest";
import {
    type CompletionSituation,
    isOnFor,
    isMidWord,
    longestDocument,
    whyNot,
} from "../../../extension/core/completion/eligibility.js";

const usual: CompletionSituation = {
    isEnabled: true,
    languages: {"*": true, plaintext: false},
    languageId: "typescript",
    isWritable: true,
    isTrusted: true,
    length: 1000,
    isSecret: false,
    isSnoozed: false,
    isCopilotOn: false,
    besideCopilot: "both",
    isInvoked: false,
    lineAfter: "",
};
const why = (change: Partial<CompletionSituation>) => whyNot({...usual, ...change});

describe("whether a completion is offered", () => {
    test.each<[string, Partial<CompletionSituation>, ReturnType<typeof whyNot>]>([
        ["in an ordinary file", {}, undefined],
        ["in the log", {isWritable: false}, "read-only"],
        ["before the workspace is trusted, even when asked", {isTrusted: false, isInvoked: true}, "untrusted"],
        ["in a huge document", {length: longestDocument + 1}, "too-large"],
        ["in a huge document, even when asked", {length: 50_000_000, isInvoked: true}, "too-large"],
        ["in a file of secrets, even when asked", {isSecret: true, isInvoked: true}, "secret"],
        ["while snoozed", {isSnoozed: true}, "snoozed"],
        ["while snoozed, when asked", {isSnoozed: true, isInvoked: true}, undefined],
        ["in a language that is off", {languageId: "plaintext"}, "language"],
        ["in a language that is off, when asked", {languageId: "plaintext", isInvoked: true}, undefined],
        ["when all is off", {isEnabled: false}, "off"],
        ["in a language that is not named while the others are off", {languages: {"*": false, go: true}}, "language"],
        ["beside Copilot", {isCopilotOn: true}, undefined],
        ["beside Copilot that shall complete", {isCopilotOn: true, besideCopilot: "copilot"}, "copilot"],
        ["beside Copilot that is off here", {besideCopilot: "copilot"}, undefined],
        ["inside a word", {lineAfter: "ue = 1"}, "mid-word"],
        ["before a closing bracket", {lineAfter: ");"}, undefined],
    ])("%s", (_, change, expected) => {
        expect(why(change)).toBe(expected);
    });

    test("a language's own entry wins over the others'", () => {
        expect(isOnFor("python", {"*": false, python: true})).toBe(true);
        expect(isOnFor("python", {"*": true, python: false})).toBe(false);
        expect(isOnFor("python", {})).toBe(true);
        expect(isOnFor("constructor", {"*": false})).toBe(false);
    });

    test("words of any script", () => {
        expect(isMidWord("größe")).toBe(true);
        expect(isMidWord("名前")).toBe(true);
        expect(isMidWord(" größe")).toBe(false);
    });
});
