import {describe, expect, it} from "vitest";
import {parseCodeBlocks, pathOfInfo} from "../../../extension/core/chat/code-block.js";

const one = (text: string) => parseCodeBlocks(text)[0]!;

describe("code blocks", () => {
    it.each([
        ["ts src/a.ts", "src/a.ts"],
        ["ts:src/a.ts", "src/a.ts"],
        ["src/a.ts", "src/a.ts"],
        ['typescript title="my dir/../src/a.ts"', "src/a.ts"],
        ["ts file='my dir/a.ts'", "my dir/a.ts"],
        ["ts {1,3} src/a.ts:10-20", "src/a.ts"],
        ["python src/a.py#L10-L20", "src/a.py"],
        ["dockerfile .github/workflows/ci.yml", ".github/workflows/ci.yml"],
        ["ts ../outside.ts", undefined],
        ["ts /etc/passwd", undefined],
        ["ts https://example.com/a.ts", undefined],
        ["ts", undefined],
        ["", undefined],
        ["python 3.11", undefined],
    ])("info string %j names %j", (info, path) => {
        expect(pathOfInfo(info)).toBe(path);
    });

    it("a first comment, a heading or a bold line name the file too", () => {
        expect(one("```ts\n// src/a.ts\nx\n```").path).toBe("src/a.ts");
        expect(one("```html\n<!-- page/index.html -->\n```").path).toBe("page/index.html");
        expect(one("**src/a.ts**\n\n```ts\nx\n```").path).toBe("src/a.ts");
        expect(one("### `src/a.ts`\n```ts\nx\n```").path).toBe("src/a.ts");
        expect(one("Change src/a.ts like this:\n\n```ts\nx\n```").path).toBeUndefined();
    });

    it("knows patches, search blocks and shell commands", () => {
        expect(one("```diff\n-a\n+b\n```").kind).toBe("patch");
        expect(one("```diff\n--- a/x.ts\n+++ b/x.ts\n@@ -1 +1 @@\n-a\n+b\n```")).toMatchObject({
            kind: "patch",
            path: "x.ts",
        });
        expect(one("```ts\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n```").kind).toBe("searchReplace");
        expect(one("```bash\nnpm test\n```").kind).toBe("shell");
        expect(one("```ts\nx\n```").kind).toBe("code");
    });

    it("counts nested blocks in the order of the document, and sees which is unfinished", () => {
        const blocks = parseCodeBlocks(
            "- step\n  ```ts\n  a\n  ```\n\n> ```js\n> b\n> ```\n\n~~~~\n```\nc\n```\n~~~~\n\n```py\nd",
        );
        expect(blocks.map(({index, language, code, isClosed}) => [index, language, code, isClosed])).toEqual([
            [0, "ts", "a", true],
            [1, "js", "b", true],
            [2, "", "```\nc\n```", true],
            [3, "py", "d", false],
        ]);
    });
});
