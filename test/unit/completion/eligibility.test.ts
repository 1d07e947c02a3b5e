import {describe, expect, test} from "vitest";
import {
    type CompletionSituation,
    isEnabledFor,
    isMidWord,
    longestDocument,
    whyNot,
    whyNotSentence,
} from "../../../extension/core/completion/eligibility.js";

const usual: CompletionSituation = {
    enabled: {"*": true, plaintext: false},
    languageId: "typescript",
    scheme: "file",
    length: 1000,
    isSecret: false,
    isSnoozed: false,
    isCopilotOn: false,
    withCopilot: "both",
    isInvoked: false,
    lineAfter: "",
};
const why = (change: Partial<CompletionSituation>) => whyNot({...usual, ...change});

describe("whether a completion is offered", () => {
    test.each<[string, Partial<CompletionSituation>, ReturnType<typeof whyNot>]>([
        ["in an ordinary file", {}, undefined],
        ["in a document that is nowhere yet", {scheme: "untitled"}, undefined],
        ["in a notebook cell", {scheme: "vscode-notebook-cell"}, undefined],
        ["in the log", {scheme: "output"}, "scheme"],
        ["in a huge document", {length: longestDocument + 1}, "too-large"],
        ["in a huge document, even when asked", {length: 50_000_000, isInvoked: true}, "too-large"],
        ["in a file of secrets, even when asked", {isSecret: true, isInvoked: true}, "secret"],
        ["while snoozed", {isSnoozed: true}, "snoozed"],
        ["while snoozed, when asked", {isSnoozed: true, isInvoked: true}, undefined],
        ["in a language that is off", {languageId: "plaintext"}, "language"],
        ["in a language that is off, when asked", {languageId: "plaintext", isInvoked: true}, undefined],
        ["when all is off", {enabled: {"*": false}}, "off"],
        ["beside Copilot", {isCopilotOn: true}, undefined],
        ["beside Copilot that shall complete", {isCopilotOn: true, withCopilot: "copilot"}, "copilot"],
        ["beside Copilot that is off here", {withCopilot: "copilot"}, undefined],
        ["inside a word", {lineAfter: "ue = 1"}, "mid-word"],
        ["before a closing bracket", {lineAfter: ");"}, undefined],
    ])("%s", (_, change, expected) => {
        expect(why(change)).toBe(expected);
    });

    test("a language's own entry wins over the others'", () => {
        expect(isEnabledFor("python", {"*": false, python: true})).toBe(true);
        expect(isEnabledFor("python", {"*": true, python: false})).toBe(false);
        expect(isEnabledFor("python", {})).toBe(true);
        expect(isEnabledFor("constructor", {"*": false})).toBe(false);
    });

    test("words of any script", () => {
        expect(isMidWord("größe")).toBe(true);
        expect(isMidWord("名前")).toBe(true);
        expect(isMidWord(" größe")).toBe(false);
    });

    test("every reason has its sentence", () => {
        expect(whyNotSentence("too-large")).toMatch(/too large/);
    });
});
