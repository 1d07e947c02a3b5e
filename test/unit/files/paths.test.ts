import {describe, expect, test} from "vitest";
import {
    extensionOf,
    folderOf,
    foldersAbove,
    joinPath,
    normaliseRelative,
    relativeTo,
    stemOf,
} from "../../../extension/core/files/paths.js";

describe("paths", () => {
    test("a path that leaves the root has no workspace path", () => {
        expect(normaliseRelative("a/./b//c/../d.ts")).toBe("a/b/d.ts");
        expect(normaliseRelative("a/../../etc/passwd")).toBeUndefined();
        expect(normaliseRelative("/etc/passwd")).toBeUndefined();
        expect(normaliseRelative("C:/x")).toBeUndefined();
        expect(normaliseRelative("./")).toBe("");
    });

    test("a sibling folder with the same beginning is outside", () => {
        expect(relativeTo("/home/me/repo", "/home/me/repo-old/a.ts", false)).toBeUndefined();
        expect(relativeTo("/home/me/repo/", "/home/me/repo/src/a.ts", false)).toBe("src/a.ts");
        expect(relativeTo("/home/me/repo", "/home/me/repo", false)).toBe("");
        expect(relativeTo("/", "/etc", false)).toBe("etc");
    });

    test("Windows paths ignore case and turn their slashes; POSIX keeps a backslash", () => {
        expect(relativeTo("C:\\Work\\Repo", "c:\\work\\repo\\Src\\a.ts", true)).toBe("Src/a.ts");
        expect(relativeTo("/w", "/w/a\\b.ts", false)).toBe("a\\b.ts");
    });

    test("names are taken apart", () => {
        expect([folderOf("a/b/c.ts"), folderOf("c.ts")]).toEqual(["a/b", ""]);
        expect([extensionOf("a/b.test.TS"), extensionOf(".gitignore"), extensionOf("a.b/Makefile")]).toEqual([
            "ts",
            "",
            "",
        ]);
        expect([stemOf("a/b.test.ts"), stemOf(".env"), stemOf("Makefile")]).toEqual(["b.test", ".env", "Makefile"]);
        expect(foldersAbove("a/b/c.ts")).toEqual(["", "a", "a/b"]);
        expect([joinPath("", "a"), joinPath("a", "b")]).toEqual(["a", "a/b"]);
    });
});
