import {execFileSync} from "node:child_process";
import {mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {dirname, join} from "node:path";
import {afterEach, beforeEach, describe, expect, test} from "vitest";
import {type ScanEntry, scanWorkspace, type ScanOptions} from "../../../extension/engine/workspace/scan.js";

let root: string;
beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), "scan-")));
});
afterEach(() => rmSync(root, {recursive: true, force: true}));

function write(files: Record<string, string>): void {
    for (const [path, text] of Object.entries(files)) {
        mkdirSync(dirname(join(root, path)), {recursive: true});
        writeFileSync(join(root, path), text);
    }
}

async function scan(options: Partial<ScanOptions> = {}): Promise<ScanEntry[]> {
    const entries: ScanEntry[] = [];
    for await (const entry of scanWorkspace({root, ...options})) entries.push(entry);
    return entries;
}

/** `path` for what is read, `path: reason` for what is not. */
const listed = (entries: ScanEntry[]) =>
    entries.map((entry) => (entry.reason === undefined ? entry.path : `${entry.path}: ${entry.reason}`));

describe("scanning a workspace", () => {
    test("lists files in the order of their paths, with size and time, and says why others are left out", async () => {
        write({
            "b.ts": "const b = 1;\n",
            "a/z.ts": "z\n",
            "a/empty.ts": "",
            "a/logo.png": "x",
            "node_modules/x/index.js": "x",
            "dist/app.js": "x",
            ".git/config": "x",
            ".env": "A=1",
            "package-lock.json": "{}",
            "lib/jquery.min.js": "x",
            "big.txt": "x".repeat(101),
        });
        symlinkSync(join(root, "b.ts"), join(root, "link.ts"));
        symlinkSync(join(root, "a"), join(root, "linked-folder"));
        const entries = await scan({limits: {maxFileBytes: 100}});
        expect(listed(entries)).toEqual([
            ".env: secret",
            "a/empty.ts: empty",
            "a/logo.png: binary",
            "a/z.ts",
            "b.ts",
            "big.txt: huge",
            "dist/: excluded",
            "lib/jquery.min.js: minified",
            "link.ts: symlink",
            "linked-folder: symlink",
            "node_modules/: excluded",
            "package-lock.json: generated",
        ]);
        expect(entries.find((entry) => entry.path === "b.ts")).toMatchObject({
            sizeBytes: 13,
            absolutePath: join(root, "b.ts"),
        });
    });

    test("ignore files of every folder count, and .kvasirignore has the last word in its folder", async () => {
        write({
            ".gitignore": "*.log\n/gen/\n",
            ".kvasirignore": "!gen/\nfixtures/\n",
            "a.log": "x",
            "gen/a.ts": "x",
            "fixtures/f.ts": "x",
            "sub/.gitignore": "!b.log\n/only.ts\n",
            "sub/b.log": "x",
            "sub/only.ts": "x",
            "sub/deep/only.ts": "x",
        });
        expect(listed(await scan()).filter((line) => !line.includes("ignore"))).toEqual([
            "a.log: excluded",
            "fixtures/: excluded",
            "gen/a.ts",
            "sub/b.log",
            "sub/deep/only.ts",
            "sub/only.ts: excluded",
        ]);
    });

    test("agrees with git about every file of a repository, from a subfolder too", async () => {
        write({
            ".gitignore": "*.tmp\nout/\n!keep.tmp\n",
            "a.tmp": "x",
            "keep.tmp": "x",
            "out/a.ts": "x",
            "src/a.ts": "x",
            "src/out/b.ts": "x",
            "src/gen/c.ts": "x",
            "src/gen/.gitignore": "*\n!d.ts\n",
            "src/gen/d.ts": "x",
            "local.txt": "x",
        });
        execFileSync("git", ["init", "-q"], {cwd: root});
        writeFileSync(join(root, ".git/info/exclude"), "local.txt\n");
        const git = (folder: string) =>
            execFileSync("git", ["ls-files", "--others", "--exclude-standard"], {
                cwd: join(root, folder),
                encoding: "utf8",
            })
                .trim()
                .split("\n")
                .sort();
        const read = (entries: ScanEntry[]) =>
            entries
                .filter((entry) => entry.reason === undefined)
                .map((entry) => entry.path)
                .sort();
        expect(read(await scan())).toEqual(git("."));
        expect(read(await scan({root: join(root, "src")}))).toEqual(git("src"));
        expect(read(await scan({paths: ["src/gen"]}))).toEqual(["src/gen/d.ts"]);
    });

    test("what is named is read although it is ignored; a secret is not", async () => {
        write({
            ".gitignore": "private/\n*.sql\n.kvasir/\n",
            "private/a.ts": "x",
            "private/b.ts": "x",
            "dump.sql": "x",
            "private/.env": "A=1",
            "src/a.ts": "x",
        });
        expect(listed(await scan({paths: ["private/a.ts", "dump.sql", "private/.env", "gone.ts"]}))).toEqual([
            "private/a.ts",
            "dump.sql",
            "private/.env: secret",
            "gone.ts: missing",
        ]);
        expect(listed(await scan({paths: ["private"]}))).toEqual([
            "private/.env: secret",
            "private/a.ts",
            "private/b.ts",
        ]);
        // A file named beside the folder that ignores it is listed once, as read.
        expect(
            listed(await scan({paths: [".", "dump.sql", "./dump.sql"]})).filter((line) => line.startsWith("dump")),
        ).toEqual(["dump.sql"]);
    });

    test("a workspace inside an ignored folder of another repository is read", async () => {
        write({
            ".gitignore": ".kvasir/\n",
            ".kvasir/repo/src/a.ts": "x",
            ".kvasir/repo/.gitignore": "*.md\n",
            ".kvasir/repo/b.md": "x",
            "node_modules/pkg/index.ts": "x",
            "node_modules/pkg/node_modules/y/z.ts": "x",
        });
        execFileSync("git", ["init", "-q"], {cwd: root});
        expect(listed(await scan({root: join(root, ".kvasir/repo")}))).toEqual([
            ".gitignore",
            "b.md: excluded",
            "src/a.ts",
        ]);
        expect(listed(await scan({paths: ["node_modules/pkg"]}))).toEqual([
            "node_modules/pkg/index.ts",
            "node_modules/pkg/node_modules/: excluded",
        ]);
    });

    test("paths outside the workspace keep the name they were given", async () => {
        write({"w/a.ts": "x", "other/b.ts": "x"});
        const entries = await scan({root: join(root, "w"), paths: ["../other", "../other/b.ts", "."]});
        expect(listed(entries)).toEqual(["../other/b.ts", "a.ts"]);
    });

    test("a workspace that is itself a link is walked; a missing one is missing", async () => {
        write({"real/a.ts": "x"});
        symlinkSync(join(root, "real"), join(root, "alias"));
        expect(listed(await scan({root: join(root, "alias")}))).toEqual(["a.ts"]);
        expect((await scan({root: join(root, "nowhere")})).map((entry) => entry.reason)).toEqual(["missing"]);
    });

    test("stops when told to", async () => {
        write({"a/a.ts": "x", "b/b.ts": "x"});
        const controller = new AbortController();
        const seen: string[] = [];
        await expect(
            (async () => {
                for await (const entry of scanWorkspace({root, signal: controller.signal})) {
                    seen.push(entry.path);
                    controller.abort(new Error("enough"));
                }
            })(),
        ).rejects.toThrow("enough");
        expect(seen).toEqual(["a/a.ts"]);
    });
});
