import {describe, expect, test} from "vitest";
import {type CompletionOptions, CompletionText} from "../../../extension/core/layout/completion-text.js";

/** What is shown for a model's raw text at `|`. */
function shown(at: string, raw: string, language = "a.ts", options: CompletionOptions = {}): string {
    return completion(at, language, options).finish(raw);
}

function completion(at: string, language = "a.ts", options: CompletionOptions = {}): CompletionText {
    const cursor = at.indexOf("|");
    return new CompletionText(
        {textBefore: at.slice(0, cursor), textAfter: at.slice(cursor + 1), pathOrLanguage: language},
        options,
    );
}

describe("one line", () => {
    test("a statement ends with its line", () => {
        expect(shown("const total = |\n", "items.reduce((a, b) => a + b, 0);\nconst other = 1;\n")).toBe(
            "items.reduce((a, b) => a + b, 0);",
        );
        expect(shown("return |", "a + b;\n}\n\nfunction other() {\n")).toBe("a + b;");
        expect(shown("    x = |\n", "compute(y)\n    z = 2\n", "a.py")).toBe("compute(y)");
    });

    test("what the line opens goes on to its end", () => {
        expect(shown("const options = |\n", "{\n    a: 1,\n    b: [\n        2,\n    ],\n};\nconst other = 2;\n")).toBe(
            "{\n    a: 1,\n    b: [\n        2,\n    ],\n};",
        );
        expect(
            shown("export function add|\n", "(a: number, b: number) {\n    return a + b;\n}\n\nexport function sub"),
        ).toBe("(a: number, b: number) {\n    return a + b;\n}");
        expect(shown("def add|\n", "(a, b):\n    total = a + b\n    return total\n\ndef sub(a, b):\n", "a.py")).toBe(
            "(a, b):\n    total = a + b\n    return total",
        );
    });

    test("code behind the cursor on its line: only the gap is filled", () => {
        expect(shown("const a = | + 1;\n", "foo(\n    b,\n)")).toBe("foo(");
        expect(shown("if (|) {\n}\n", "value === undefined")).toBe("value === undefined");
        expect(shown("const a = 1;|\n", "\nconst b = 2;\nconst c = 3;\n")).toBe("\nconst b = 2;");
    });

    test("a comment and a string stay on their line", () => {
        expect(shown("// Adds |\n", "two numbers.\nfunction add() {\n}\n")).toBe("two numbers.");
        expect(shown('log("hel|")\n', 'lo", world);\nfoo();\n')).toBe("lo");
        expect(shown('log("hel|\n', 'lo");\nfoo();\n')).toBe('lo");');
    });

    test("never more than a line when asked so, a block when asked so", () => {
        const raw = "function add(a, b) {\n    return a + b;\n}\n";
        expect(shown("|\n", raw, "a.ts", {multiLine: "never"})).toBe("function add(a, b) {");
        expect(shown("const a = 1; |", "b();\nc();\n\nd();\n", "a.ts", {multiLine: "always"})).toBe("b();\nc();");
    });
});

describe("blocks", () => {
    test("an opened block ends with its closer, where that is missing", () => {
        expect(shown("function f() {|\n", "\n    const a = 1;\n\n    return a;\n}\n\nfunction g() {\n")).toBe(
            "\n    const a = 1;\n\n    return a;\n}",
        );
        expect(shown("for (const a of b) {|\n\nnext();\n", "\n    use(a);\n}\nmore();\n")).toBe("\n    use(a);\n}");
    });

    test("an indented block ends where the indentation does", () => {
        expect(shown("def f(x):|\n", "\n    if x:\n        return 1\n\n    return 2\n\n\ndef g():\n", "a.py")).toBe(
            "\n    if x:\n        return 1\n\n    return 2",
        );
        expect(
            shown(
                "class A:\n    def f(self):|\n\n    def g(self):\n        pass\n",
                "\n        return 1\n    def h(self):\n",
                "a.py",
            ),
        ).toBe("\n        return 1");
    });

    test("statements end at a blank line or at the end of their block", () => {
        expect(shown("function f() {\n    |\n}\n", "const a = 1;\n    return a;\n}\n\nfunction g() {")).toBe(
            "const a = 1;\n    return a;",
        );
        expect(
            shown("function f() {\n    |\n    done();\n}\n", "const a = 1;\n    const b = 2;\n\n    const c = 3;\n"),
        ).toBe("const a = 1;\n    const b = 2;");
        expect(
            shown(
                "import a from 'a';\n\n|\n",
                "export function f() {\n    a();\n\n    return 1;\n}\n\nexport function g() {}\n",
            ),
        ).toBe("export function f() {\n    a();\n\n    return 1;\n}");
    });

    test("an opened argument list is filled, its closer left to the editor's", () => {
        expect(shown("call(\n    |\n);\n", "first,\n    second,\n);\nother();\n")).toBe("first,\n    second,");
        expect(shown("call(|);\n", "first, second);\nother();\n")).toBe("first, second");
        expect(shown("call(inner(|);\n", "a), b);\n")).toBe("a), b");
    });

    test("the line feed before a closer that stands there stays", () => {
        expect(shown("function f() {|}\n", "\n    return 1;\n}\n")).toBe("\n    return 1;\n");
        expect(shown("const f = () => {|};\n", "\n    return 1;\n};\n")).toBe("\n    return 1;\n");
    });

    test("no more lines than a person reads", () => {
        const raw = Array.from({length: 60}, (_, i) => `\n    step${i}();`).join("");
        expect(shown("function f() {|\n", raw, "a.ts", {maxLines: 10}).split("\n").length).toBe(10);
    });
});

describe("what stands there already", () => {
    test("an end that the text behind the cursor begins with", () => {
        expect(shown("const a = f(|, 2);\n", "1, 2);")).toBe("1");
        expect(shown("function f(a|: string) {}\n", "rgument: string")).toBe("rgument");
        expect(shown("const name = |;\n", "value;")).toBe("value");
        expect(shown("wait| r = 1;\n", "for")).toBe("for");
    });

    test("a line below that the model comes to", () => {
        expect(
            shown("function f() {\n    const a = 1;\n    |\n    return a + 1;\n}\n", "log(a);\n    return a + 1;\n}\n"),
        ).toBe("log(a);");
        expect(shown("function f() {\n    |\n    return value + 1;\n}\n", "return value + 1;\n")).toBe("");
    });

    test("the line above, said again", () => {
        expect(shown("import {a} from './a.js';\n|\n", "import {a} from './a.js';\nimport {a} from './a.js';\n")).toBe(
            "",
        );
    });

    test("indentation that the editor wrote", () => {
        expect(shown("function f() {\n    |\n}\n", "    return 1;")).toBe("return 1;");
        expect(shown("if (a) {\n  |\n}\n", "  return 1;")).toBe("  return 1;".slice(0, 2) + "return 1;");
        expect(shown("if (a) {\n|\n}\n", "    return 1;")).toBe("    return 1;");
    });
});

describe("repetition", () => {
    test("a line or a group of lines that goes round and round is written once", () => {
        expect(shown("const rows = [\n    |\n", "one(),\n" + "    two(),\n".repeat(20))).toBe("one(),\n    two(),");
        expect(shown("function f() {\n    |\n", "    a();\n    b();\n".repeat(10).trimStart())).toBe("a();\n    b();");
    });

    test("three equal rows are data", () => {
        expect(shown("const rows = [\n    |\n];\n", "[0, 0, 0],\n    [0, 0, 0],\n    [0, 0, 0],\n];\n")).toBe(
            "[0, 0, 0],\n    [0, 0, 0],\n    [0, 0, 0],",
        );
    });
});

describe("a model that cannot fill in", () => {
    test("writes the blanks that were held back", () => {
        expect(shown("return |\n", " a + b;\n", "a.ts", {heldBack: " "})).toBe("a + b;");
        expect(shown("if x:\n    |\n", "    return 1\n", "a.py", {heldBack: "    "})).toBe("return 1");
        expect(shown("if x:\n    |\n", "  return 1\n", "a.py", {heldBack: "    "})).toBe("return 1");
    });

    test("is cut where it begins another file", () => {
        expect(
            shown("|", "export const a = 1;\n// File: b.ts\nexport const b = 1;\n", "a.ts", {
                stopTexts: ["\n// File: "],
            }),
        ).toBe("export const a = 1;");
    });
});

test("nothing but blanks is nothing", () => {
    expect(shown("const a = 1;\n|\n", "   \n\n")).toBe("");
    expect(shown("foo(|)", ")")).toBe("");
});

describe("generation stops as soon as nothing more can be shown", () => {
    const cases: [at: string, raw: string, language?: string][] = [
        ["const total = |\n", "sum(items);\nconst other = 1;\n"],
        ["function f() {|\n", "\n    const a = 1;\n\n    return a;\n}\n\nfunction g() {\n"],
        ["def f(x):|\n", "\n    if x:\n        return 1\n\n    return 2\n\n\ndef g():\n    pass\n", "a.py"],
        ["call(|);\n", "first, second);\nother();\n"],
        ["function f() {\n    |\n}\n", "const a = 1;\n    return a;\n}\n\nfunction g() {"],
        ["const rows = [\n    |\n", "one(),\n" + "    two(),\n".repeat(20)],
        ["const options = |\n", "{\n    a: 1,\n};\nconst other = 2;\n"],
        ['log("hel|")\n', 'lo", world);\nfoo();\n'],
    ];

    test.each(cases)("at %s", (at, raw, language) => {
        const text = completion(at, language);
        let nRead = 0;
        while (nRead < raw.length && !text.isDone(raw.slice(0, nRead))) nRead += 1;
        // It stops before the end, and what was read by then shows the same as all of it.
        expect(nRead).toBeLessThan(raw.length);
        expect(text.finish(raw.slice(0, nRead))).toBe(text.finish(raw));
    });

    test("an answer that is still open is not done", () => {
        expect(completion("function f() {|\n").isDone("\n    const a = [\n        1,\n")).toBe(false);
        expect(completion("const a = |\n").isDone("foo(")).toBe(false);
    });
});
