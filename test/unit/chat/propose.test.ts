import {describe, expect, it} from "vitest";
import {parseCodeBlocks} from "../../../extension/core/chat/code-block.js";
import {pathsOf, propose} from "../../../extension/core/chat/edit/propose.js";

const cart = `import {price} from "./price.js";

/** What is in the cart. */
export class Cart {
    private items: string[] = [];

    add(item: string): void {
        this.items.push(item);
    }

    total(): number {
        let sum = 0;
        for (const item of this.items) {
            sum += price(item);
        }
        return sum;
    }
}

export function emptyCart(): Cart {
    return new Cart();
}
`;

/** The text of cart.ts after the only block of an answer. */
function after(block: string, original: string | undefined = cart): string | undefined {
    const [parsed] = parseCodeBlocks(block);
    return propose(parsed!, pathsOf(parsed!)[0], original)?.text;
}

describe("a block becomes an edit", () => {
    it("a function takes the place of the one of its name", () => {
        expect(
            after(
                "```ts src/cart.ts\nexport function emptyCart(): Cart {\n    return Object.freeze(new Cart());\n}\n```",
            ),
        ).toBe(cart.replace("return new Cart()", "return Object.freeze(new Cart())"));
    });

    it("a method alone, at no depth, goes to its depth in the class", () => {
        const block =
            "```ts\ntotal(): number {\n    return this.items.reduce((sum, item) => sum + price(item), 0);\n}\n```";
        expect(after(block)).toBe(
            cart.replace(
                /total\(\): number \{[\s\S]*?return sum;\n {4}\}/,
                "total(): number {\n        return this.items.reduce((sum, item) => sum + price(item), 0);\n    }",
            ),
        );
    });

    it("an omission keeps what the file has there", () => {
        const block =
            "```ts src/cart.ts\nexport class Cart {\n    // ... existing code ...\n\n    total(): number {\n        return 0;\n    }\n}\n```";
        const text = after(block)!;
        expect(text).toContain("this.items.push(item);");
        expect(text).toContain("return 0;");
        expect(text).toContain("export function emptyCart");
        expect(text).not.toContain("sum += price");
        expect(text).toContain("/** What is in the cart. */");
    });

    it("new functions follow the known one beside which they were written, imports join the imports", () => {
        const block =
            '```ts src/cart.ts\nimport {log} from "./log.js";\n\nexport function emptyCart(): Cart {\n    return new Cart();\n}\n\nexport function fullCart(): Cart {\n    log("full");\n    return new Cart();\n}\n```';
        expect(after(block)).toBe(
            `${cart.replace('"./price.js";\n', '"./price.js";\nimport {log} from "./log.js";\n')}\nexport function fullCart(): Cart {\n    log("full");\n    return new Cart();\n}\n`,
        );
    });

    it("a whole file replaces the file, without the comment that names it", () => {
        const whole = cart.replace("let sum = 0;", "let sum = 1;");
        expect(after(`\`\`\`ts\n// src/cart.ts\n${whole}\`\`\``)).toBe(whole);
    });

    it("a new file is the block", () => {
        const [block] = parseCodeBlocks("```ts src/new.ts\nexport const x = 1;\n```");
        expect(propose(block!, "src/new.ts", undefined)).toEqual({
            path: "src/new.ts",
            text: "export const x = 1;\n",
            how: "whole",
            nMissing: 0,
        });
    });

    it("Python: a method replaces the one of its name and nothing behind it", () => {
        const python =
            "class A:\n    def one(self):\n        return 1\n\n    def two(self):\n        x = 2\n\n        return x\n\n\ndef three():\n    return 3\n";
        expect(after("```python\ndef two(self):\n    return 22\n```", python)).toBe(
            python.replace("        x = 2\n\n        return x\n", "        return 22\n"),
        );
    });

    it("what has no place in the file is no edit", () => {
        expect(after("```ts\nconsole.log(unrelated);\n```")).toBeUndefined();
        expect(
            after("```diff\n--- a/src/cart.ts\n+++ b/src/cart.ts\n@@ -1 +1 @@\n-not there\n+at all\n```"),
        ).toBeUndefined();
    });

    it("keeps Windows line endings", () => {
        const windows = cart.replaceAll("\n", "\r\n");
        const block = "```ts\nexport function emptyCart(): Cart {\n    return null;\n}\n```";
        expect(after(block, windows)).toBe(windows.replace("return new Cart();", "return null;"));
    });

    it("C: braces on their own lines", () => {
        const c =
            "#include <stdio.h>\n\nint one(void)\n{\n    return 1;\n}\n\nstatic int two(int a,\n               int b)\n{\n    return a + b;\n}\n";
        expect(after("```c\nint one(void)\n{\n    return 11;\n}\n```", c)).toBe(c.replace("return 1;", "return 11;"));
    });
});
