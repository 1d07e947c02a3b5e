import {mkdir, mkdtemp, readFile, rm, utimes, writeFile} from "node:fs/promises";
import {tmpdir} from "node:os";
import path from "node:path";
import {afterEach, beforeEach, describe, expect, it} from "vitest";
import {hashFile, hashFolder, keyOf} from "../../../scripts/setup/content-hash.mjs";
import {withLock} from "../../../scripts/setup/lock.mjs";

let folder: string;
beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "kvasir-setup-"));
});
afterEach(() => rm(folder, {recursive: true, force: true}));

describe("keyOf", () => {
    it("tells apart parts that run together", () => {
        expect(keyOf({a: "bc", d: "e"})).not.toBe(keyOf({a: "b", cd: "e"}));
        expect(keyOf({a: "1;1:b=1:2"})).not.toBe(keyOf({a: "1", b: "2"}));
        expect(keyOf({a: "1"})).toBe(keyOf({a: "1"}));
    });
});

describe("hashFolder", () => {
    it("depends on names and bytes, not on times or place", async () => {
        const other = path.join(folder, "other");
        const one = path.join(folder, "one");
        for (const place of [one, other]) {
            await mkdir(path.join(place, "sub"), {recursive: true});
            await writeFile(path.join(place, "a.cpp"), "int a;");
            await writeFile(path.join(place, "sub/b.h"), "int b;");
            await writeFile(path.join(place, "notes.md"), place);
        }
        await utimes(path.join(other, "a.cpp"), 1, 1);
        const isSource = (file: string): boolean => /\.(cpp|h)$/.test(file);
        const hash = await hashFolder(one, isSource);
        expect(await hashFolder(other, isSource)).toBe(hash);
        await writeFile(path.join(other, "sub/b.h"), "int c;");
        expect(await hashFolder(other, isSource)).not.toBe(hash);
        expect(await hashFolder(other)).not.toBe(await hashFolder(one));
    });
});

describe("hashFile", () => {
    it("agrees with the published vector of SHA-256 and SHA-512 for abc (FIPS 180-2)", async () => {
        const file = path.join(folder, "abc");
        await writeFile(file, "abc");
        expect(await hashFile(file, "sha256", "hex")).toBe(
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        );
        expect(Buffer.from(await hashFile(file, "sha512", "base64"), "base64").toString("hex")).toBe(
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        );
    });
});

describe("withLock", () => {
    it("lets one in at a time and leaves no lock behind", async () => {
        const file = path.join(folder, "lock");
        let nInside = 0;
        let mostInside = 0;
        const waited: number[] = [];
        const work = async (): Promise<void> => {
            mostInside = Math.max(mostInside, ++nInside);
            await new Promise((resolve) => setTimeout(resolve, 20));
            nInside--;
        };
        await Promise.all(
            Array.from({length: 4}, () => withLock(work, {file, pollMs: 5, onWait: (pid) => waited.push(pid)})),
        );
        expect(mostInside).toBe(1);
        expect(waited.length).toBeGreaterThan(0);
        expect(new Set(waited)).toEqual(new Set([process.pid]));
        await expect(readFile(file)).rejects.toThrow(/ENOENT/);
    });

    it("takes over from a process that is gone", async () => {
        const file = path.join(folder, "lock");
        // Above the largest process id of Linux, macOS and Windows alike.
        await writeFile(file, "2000000000\n");
        expect(await withLock(async () => "worked", {file, pollMs: 5})).toBe("worked");
    });

    it("is released when the work fails", async () => {
        const file = path.join(folder, "lock");
        await expect(withLock(() => Promise.reject(new Error("no")), {file})).rejects.toThrow("no");
        expect(await withLock(async () => 1, {file})).toBe(1);
    });
});
