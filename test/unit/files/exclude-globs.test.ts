import {describe, expect, it} from "vitest";
import {patternsOfGlobs} from "../../../extension/core/files/exclude-globs.js";
import {IgnoreRules} from "../../../extension/core/files/ignore-rules.js";

/** Whether a path is left out by globs as an editor means them. */
const isOut = (globs: Record<string, unknown>, path: string, isFolder = false) =>
    IgnoreRules.create({defaults: [], extra: patternsOfGlobs(globs)}).ignores(path, isFolder);

describe("exclude globs as ignore patterns", () => {
    it.each([
        ["**/node_modules", "a/b/node_modules", true, true],
        ["**/node_modules", "node_modules", true, true],
        ["**/*.map", "dist/a.js.map", false, true],
        ["*.log", "a.log", false, true],
        // Without "**/" a glob of the editor holds at the root only; an ignore pattern would hold everywhere.
        ["*.log", "sub/a.log", false, false],
        ["out", "src/out", true, false],
        ["out", "out", true, true],
        ["src/gen/**", "src/gen/deep/a.ts", false, true],
        ["src/gen/**", "other/src/gen/a.ts", false, false],
        ["**/*.{js,ts}", "a/b.ts", false, true],
        ["**/*.{js,ts}", "a/b.tsx", false, false],
        ["**/{a,b{1,2}}/x.txt", "deep/b2/x.txt", false, true],
        ["**/{open", "deep/{open", false, true],
    ])("%s leaves %s (folder: %s) out: %s", (glob, path, isFolder, expected) => {
        expect(isOut({[glob]: true}, path, isFolder)).toBe(expected);
    });

    it("globs that are off or depend on other files are left out", () => {
        expect(patternsOfGlobs({"**/*.js": false, "**/*.css": {when: "$(basename).scss"}, "**/x": true})).toEqual([
            "**/x",
        ]);
    });
});
