import fc from "fast-check";
import {describe, expect, test} from "vitest";
import {madeAt, type Place, remainingOf} from "../../../extension/core/completion/type-through.js";

/** `|` is the cursor. */
function place(marked: string, document = "a.ts"): Place {
    const offset = marked.indexOf("|");
    return {document, text: marked.slice(0, offset) + marked.slice(offset + 1), offset};
}

/** What is left of `suggestion`, made at `at`, when the document is now `now`. */
const left = (at: string, suggestion: string, now: string) => remainingOf(madeAt(place(at), suggestion), place(now));

describe("typing along a suggestion", () => {
    test("what was typed is gone from its front", () => {
        expect(left("let a = |\n", "fetchAll();", "let a = fet|\n")).toEqual({text: "chAll();", overwrite: 0});
        expect(left("let a = |\n", "fetchAll();", "let a = |\n")).toEqual({text: "fetchAll();", overwrite: 0});
    });

    test("another character ends it", () => {
        expect(left("let a = |\n", "fetchAll();", "let a = fx|\n")).toBeUndefined();
    });

    test("typed to its end, nothing is left", () => {
        expect(left("let a = |\n", "f();", "let a = f();|\n")).toBeUndefined();
    });

    test("over a line break with the editor's indentation", () => {
        expect(left("if (a) {|\n}", "\n    go();\n    stop();", "if (a) {\n    |\n}")).toEqual({
            text: "go();\n    stop();",
            overwrite: 0,
        });
    });

    test("deleted characters come back as part of it", () => {
        expect(left("const value|\n", " = 1;", "const val|\n")).toEqual({text: "ue = 1;", overwrite: 0});
    });

    test("a deleted line break is a change of mind", () => {
        expect(left("a();\n|\n", "b();", "a();|\n")).toBeUndefined();
    });

    test("an edit before or behind the place ends it", () => {
        expect(left("let a = |\nz", "f();", "let b = f|\nz")).toBeUndefined();
        expect(left("let a = |\nz", "f();", "let a = f|\ny")).toBeUndefined();
        expect(left("let a = |", "f();", "let a = f|\nmore")).toBeUndefined();
    });

    test("another document with the same text is another place", () => {
        expect(remainingOf(madeAt(place("a|"), "bc"), place("ab|", "b.ts"))).toBeUndefined();
    });
});

describe("brackets that the editor closes itself", () => {
    test("are replaced by those of the suggestion", () => {
        expect(left("x = |\n", "call(a, b);", "x = call(|)\n")).toEqual({text: "a, b);", overwrite: 1});
        expect(left("x = |\n", "call([1, 2]);", "x = call([|])\n")).toEqual({text: "1, 2]);", overwrite: 2});
        expect(left("x = |\n", 'log("hi");', 'x = log("|")\n')).toEqual({text: 'hi");', overwrite: 2});
    });

    test("are kept when the suggestion does not close them", () => {
        expect(left("x = |\n", "call(a, b", "x = call(|)\n")).toBeUndefined();
        expect(left("x = |\n", "call(a, (b)", "x = call(|)\n")).toBeUndefined();
    });

    test("a bracket that stood there before is not the editor's", () => {
        expect(left("x(|)\n", "y(1), 2", "x(y(|))\n")).toEqual({text: "1), 2", overwrite: 1});
    });
});

test("any leading part that is typed leaves exactly the rest, in documents of any size", () => {
    const text = fc.string({maxLength: 3000});
    fc.assert(
        fc.property(text, text, fc.string({minLength: 1, maxLength: 80}), fc.nat(), (before, after, suggestion, n) => {
            const typed = n % suggestion.length;
            const made = madeAt({document: "d", text: before + after, offset: before.length}, suggestion);
            const now = before + suggestion.slice(0, typed) + after;
            expect(remainingOf(made, {document: "d", text: now, offset: before.length + typed})).toEqual({
                text: suggestion.slice(typed),
                overwrite: 0,
            });
        }),
    );
});
