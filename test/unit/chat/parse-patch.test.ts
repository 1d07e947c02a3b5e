import {createTwoFilesPatch} from "diff";
import fc from "fast-check";
import {describe, expect, it} from "vitest";
import {parsePatch, parseSearchBlocks} from "../../../extension/core/chat/edit/parse-patch.js";
import {applyReplacements} from "../../../extension/core/chat/edit/replacement.js";

const file = ["function one() {", "    return 1;", "}", "", "function two() {", "    return 2;", "}", ""].join("\n");

describe("patches", () => {
    it("applies what another library wrote, whatever the texts", () => {
        // Lines without repeats, so that a hunk has one place only.
        const text = fc
            .uniqueArray(fc.stringMatching(/^[a-z]{1,6}$/), {minLength: 1, maxLength: 30})
            .map((lines) => lines.join("\n") + "\n");
        fc.assert(
            fc.property(text, text, (before, after) => {
                const patch = createTwoFilesPatch("a/x.txt", "b/x.txt", before, after);
                const [parsed] = parsePatch(patch.replace(/^=+\n/, ""));
                if (before === after) return;
                expect(parsed?.path).toBe("x.txt");
                expect(applyReplacements(before, parsed?.replacements ?? [])).toEqual({text: after, missing: []});
            }),
        );
    });

    it("does not believe line numbers and counts", () => {
        const patch =
            "--- a/src/n.ts\n+++ b/src/n.ts\n@@ -99,7 +120,3 @@\n function two() {\n-    return 2;\n+    return 3;\n }\n";
        const [parsed] = parsePatch(patch);
        expect(parsed?.path).toBe("src/n.ts");
        expect(applyReplacements(file, parsed?.replacements ?? []).text).toBe(file.replace("return 2", "return 3"));
    });

    it("takes hunks without headers and context that lost its space", () => {
        const [parsed] = parsePatch("@@\nfunction one() {\n-    return 1;\n+    return 10;\n}");
        expect(parsed?.path).toBeUndefined();
        expect(applyReplacements(file, parsed?.replacements ?? []).text).toBe(file.replace("return 1;", "return 10;"));
    });

    it("tells several files apart, new and deleted ones too", () => {
        const patch = [
            "diff --git a/a.ts b/a.ts",
            "index 123..456 100644",
            "--- a/a.ts",
            "+++ b/a.ts",
            "@@ -1 +1 @@",
            "-a",
            "+b",
            "--- /dev/null",
            "+++ b/new.ts",
            "@@ -0,0 +1,2 @@",
            "+one",
            "+two",
            "--- a/old.ts",
            "+++ /dev/null",
            "@@ -1 +0,0 @@",
            "-gone",
        ].join("\n");
        const files = parsePatch(patch);
        expect(files.map(({path, isDeleted}) => [path, isDeleted])).toEqual([
            ["a.ts", false],
            ["new.ts", false],
            ["old.ts", true],
        ]);
        expect(applyReplacements("", files[1]?.replacements ?? []).text).toBe("one\ntwo\n");
    });

    it("says which hunks are not in the file and applies the others", () => {
        const [parsed] = parsePatch("@@\n-    return 7;\n+    return 8;\n@@\n-    return 2;\n+    return 9;\n");
        expect(applyReplacements(file, parsed?.replacements ?? [])).toEqual({
            text: file.replace("return 2", "return 9"),
            missing: [0],
        });
    });

    it("a changed comment of dashes is no file header", () => {
        const [parsed, ...others] = parsePatch("@@\n--- before\n+++ after\n x\n");
        expect(others).toEqual([]);
        expect(parsed?.replacements).toEqual([{before: ["-- before", "x"], after: ["++ after", "x"]}]);
    });
});

describe("search blocks", () => {
    it("replaces what they quote, at the depth of the file", () => {
        const [block] = parseSearchBlocks(
            "<<<<<<< SEARCH\nreturn 2;\n=======\nconst two = 2;\nreturn two;\n>>>>>>> REPLACE\n",
        );
        expect(applyReplacements(file, [block!]).text).toBe(
            file.replace("    return 2;", "    const two = 2;\n    return two;"),
        );
    });

    it("keeps the line endings of the file", () => {
        const windows = file.replaceAll("\n", "\r\n");
        const blocks = parseSearchBlocks("<<<<<<< SEARCH\n    return 1;\n=======\n    return 0;\n>>>>>>> REPLACE");
        expect(applyReplacements(windows, blocks).text).toBe(windows.replace("return 1", "return 0"));
    });

    it("leaves an unfinished block out", () => {
        expect(parseSearchBlocks("<<<<<<< SEARCH\na\n=======\nb\n")).toEqual([]);
    });
});
