import {execFileSync} from "node:child_process";
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {dirname, join} from "node:path";
import {afterAll, beforeAll, describe, expect, test} from "vitest";
import {IgnoreRules} from "../../../extension/core/files/ignore-rules.js";
import {foldersAbove} from "../../../extension/core/files/paths.js";

/** Files of a repository: text of ignore files by folder, and the paths to ask about. */
const ignoreFiles: Record<string, string> = {
    "": "# comment\n*.log\n/build\n!keep.log\ntmp/\ndocs/*.txt\n**/deep/x\n\\#odd\n\\!odd\ntrail\\ \nspace   \n[ab].c\n",
    pkg: "!*.log\n/local\nout/\nsub/only.ts\n\\#hash\nname with space\n",
    "pkg/sub": "*.ts\n!only.ts\n",
    "app/[id]": "page.tsx\n/*.md\n",
};
const paths = [
    "a.log",
    "keep.log",
    "build",
    "src/build",
    "tmp/a.ts",
    "x/tmp/b.ts",
    "docs/a.txt",
    "docs/b/a.txt",
    "q/deep/x",
    "q/r/deep/x",
    "#odd",
    "!odd",
    "space",
    "a.c",
    "c.c",
    "pkg/a.log",
    "pkg/x/a.log",
    "pkg/local",
    "pkg/x/local",
    "pkg/out/a.ts",
    "pkg/x/out/a.ts",
    "pkg/sub/only.ts",
    "pkg/sub/other.ts",
    "pkg/sub/deep/z.ts",
    "pkg/#hash",
    "pkg/x/#hash",
    "pkg/name with space",
    "app/[id]/page.tsx",
    "app/[id]/x/page.tsx",
    "app/i/page.tsx",
    "app/[id]/a.md",
    "app/[id]/x/a.md",
];

describe("ignore rules", () => {
    let root: string;
    beforeAll(() => {
        root = mkdtempSync(join(tmpdir(), "ignore-rules-"));
        execFileSync("git", ["init", "-q", root]);
        for (const [folder, text] of Object.entries(ignoreFiles)) {
            mkdirSync(join(root, folder), {recursive: true});
            writeFileSync(join(root, folder, ".gitignore"), text);
        }
        for (const path of paths) {
            mkdirSync(dirname(join(root, path)), {recursive: true});
            writeFileSync(join(root, path), "x\n");
        }
    });
    afterAll(() => rmSync(root, {recursive: true, force: true}));

    /** Git's own answer for the same tree. */
    const gitIgnores = (path: string) => {
        try {
            execFileSync("git", ["-c", "core.excludesFile=", "check-ignore", "-q", "--no-index", "--", path], {
                cwd: root,
                stdio: "ignore",
            });
            return true;
        } catch {
            return false;
        }
    };

    test.each(paths)("%s is ignored exactly when git ignores it", (path) => {
        let rules = IgnoreRules.create({defaults: []});
        for (const folder of foldersAbove(path)) {
            const text = ignoreFiles[folder];
            if (text !== undefined) rules = rules.within(folder, [text]);
        }
        expect(rules.ignores(path, false)).toBe(gitIgnores(path));
    });

    test("both verdicts occur in the list above", () => {
        const verdicts = paths.map(gitIgnores);
        expect(verdicts).toContain(true);
        expect(verdicts).toContain(false);
    });

    test("the built-in list holds at every depth; .kvasirignore brings back what it or git hides", () => {
        const bare = IgnoreRules.create();
        expect(bare.ignores("node_modules", true)).toBe(true);
        expect(bare.ignores("packages/a/node_modules/b/index.js", false)).toBe(true);
        expect(bare.ignores(".git", true)).toBe(true);
        expect(bare.ignores("src/dist.ts", false)).toBe(false);
        const own = bare.within("", ["secret-plans/\n", "!dist/\n!secret-plans/\n*.sql\n"]);
        expect(own.ignores("dist", true)).toBe(false);
        expect(own.ignores("dist/a.js", false)).toBe(false);
        expect(own.ignores("secret-plans/a.ts", false)).toBe(false);
        expect(own.ignores("dump.sql", false)).toBe(true);
        expect(bare.ignores("dump.sql", false)).toBe(false);
    });

    test("case counts unless the file system ignores it", () => {
        expect(IgnoreRules.create().within("", ["Foo.ts"]).ignores("foo.ts", false)).toBe(false);
        expect(IgnoreRules.create({ignoreCase: true}).within("", ["Foo.ts"]).ignores("foo.ts", false)).toBe(true);
    });

    test("an ignore file with a byte order mark or CRLF works", () => {
        const rules = IgnoreRules.create().within("a", ["\uFEFFx.ts\r\n# c\r\ny/\r\n"]);
        expect(rules.ignores("a/x.ts", false)).toBe(true);
        expect(rules.ignores("a/b/y", true)).toBe(true);
    });
});
