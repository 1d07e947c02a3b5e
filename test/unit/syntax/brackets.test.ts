import {describe, expect, test} from "vitest";
import {missingClosers, scanBrackets} from "../../../extension/core/syntax/brackets.js";
import {syntaxOf} from "../../../extension/core/syntax/syntax-of.js";

const ts = syntaxOf("a.ts");
const py = syntaxOf("python");
const scan = (text: string, syntax = ts) => {
    const {open, closers, endsIn} = scanBrackets(text, syntax);
    return [open.map(({bracket}) => bracket).join(""), closers.map(({bracket}) => bracket).join(""), endsIn];
};

describe("brackets without a partner", () => {
    test.each([
        ["foo(bar[1], {a: 1", "({", "", "code"],
        ["}) + [", "[", "})", "code"],
        ["f(\"(\", ')', `[${a}`", "(", "", "code"],
        ["f( // (\n) /* { */", "", "", "code"],
        ['f("abc', "(", "", "string"],
        ["`line (\nmore", "", "", "string"],
        ["x = 1; // it's (", "", "", "comment"],
        ["don't (", "(", "", "code"],
        ["f(a]", "(", "]", "code"],
        ["if (a { b }", "(", "", "code"],
    ])("%s", (text, open, closers, endsIn) => {
        expect(scan(text)).toEqual([open, closers, endsIn]);
    });

    test("every language has its own strings and comments", () => {
        expect(scan('f( # )\n"""(\n""" )', py)).toEqual(["", "", "code"]);
        expect(scan("x = 7 // (2", py)).toEqual(["(", "", "code"]);
        expect(scan("fn f<'a>(x: &'a str, c: char) { c == '(' || c == '\\'' || (", syntaxOf("a.rs"))).toEqual([
            "{(",
            "",
            "code",
        ]);
        expect(scan("-- (\nselect (", syntaxOf("q.sql"))).toEqual(["(", "", "code"]);
        expect(scan("A smile :-) and (a list", syntaxOf("README.md"))).toEqual(["", "", "code"]);
    });
});

describe("closers that may still be written", () => {
    const missing = (text: string) => {
        const [before, after] = text.split("|") as [string, string];
        return missingClosers(before, after, ts).join("");
    };

    test.each([
        ["foo(|)", ""],
        ["foo(|", ")"],
        ["foo(bar(|)", ")"],
        ["function f() {\n    |\n}", ""],
        ["function f() {\n    |\n", "}"],
        ["class A {\n    f() {\n        if (x) {\n            |\n    }\n}\n", "}"],
        ["class A {\n    f() {\n        g(|\n    }\n}\n", ")"],
        ["const a = [{b: (|}]", ")"],
        ["|\n})", ""],
    ])("%s", (text, expected) => {
        expect(missing(text)).toBe(expected);
    });
});
