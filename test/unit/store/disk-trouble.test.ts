import {mkdir} from "node:fs/promises";
import {join} from "node:path";
import {describe, expect, test} from "vitest";
import {isKvasirError, KvasirError} from "../../../extension/protocol/errors.js";
import {errnoOf, isMissing, storeReadError, storeWriteError} from "../../../extension/engine/store/store-errors.js";
import {buildChild, resultOf, runChildWithMounts, startChild} from "./run-child.js";
import {temporaryFolder} from "./temporary-folder.js";

const patience = 120_000;

describe("trouble with the disk", () => {
    test(
        "full: `disk-full`, what was stored stays, nothing leaks, and it goes on when there is room",
        {timeout: patience},
        async () => {
            const folder = await temporaryFolder();
            const program = await buildChild("full-disk", folder);
            await mkdir(join(folder, "mount"));
            const result = resultOf<Record<string, number> & {told: string[]}>(
                await runChildWithMounts(program, join(folder, "mount")),
            );
            expect(result).toMatchObject({
                errors: ["disk-full"],
                leakedBytes: 0,
                temporaries: [],
                turnError: "disk-full",
                afterDrop: "stored",
            });
            expect([result.told[0], result.told.at(-1)]).toEqual(["disk-full", "none"]);
            expect(result.nStored).toBeGreaterThanOrEqual(3);
            expect(result.nIntact).toBe(result.nStored);
            expect(result.nErrors).toBeGreaterThan(20);
            expect(result.nTurns).toBe(result.nAcknowledged);
            expect(result.turnsAfter).toBe((result.nAcknowledged ?? NaN) + 1);
        },
    );

    test("read-only: everything is still read, every change says `store-read-only`", {timeout: patience}, async () => {
        const folder = await temporaryFolder();
        const program = await buildChild("read-only-folder", folder);
        await mkdir(join(folder, "mount"));
        const result = resultOf(await runChildWithMounts(program, join(folder, "mount")));
        expect(result).toEqual({
            listed: ["good.ts"],
            isGoodRead: true,
            isBadMissed: true,
            put: "store-read-only",
            drop: "store-read-only",
            clear: "store-read-only",
            verify: [false],
            close: "done",
            isGoodStill: true,
            putElsewhere: "store-read-only",
            listElsewhere: 0,
            loaded: [{id: "1", role: "user", text: "hello", createdAtMs: 1}],
            append: "store-read-only",
            create: "store-read-only",
            remove: "store-read-only",
            listedTalks: 1,
        });
    });

    test(
        "no file handles left: `busy`, nothing is taken for damaged, and it works again afterwards",
        {timeout: patience},
        async () => {
            const folder = await temporaryFolder();
            const program = await buildChild("no-handles", folder);
            const {ended} = startChild("sh", [
                "-c",
                'ulimit -n 200; exec "$0" "$@"',
                process.execPath,
                program,
                join(folder, "cache"),
            ]);
            expect(resultOf(await ended)).toEqual({
                put: "busy",
                get: "busy",
                isReadAfterwards: true,
                putAfterwards: "stored",
                temporaries: [],
            });
        },
    );
});

describe("errors of the file system", () => {
    const failed = (code: string): Error =>
        Object.assign(new Error(`${code}: something`), {code, syscall: "write", errno: -1});

    test.each([
        ["ENOSPC", "disk-full"],
        ["EDQUOT", "disk-full"],
        ["EFBIG", "disk-full"],
        ["EROFS", "store-read-only"],
        ["EACCES", "store-read-only"],
        ["EPERM", "store-read-only"],
        ["EIO", "store-read-only"],
        ["ENOTDIR", "store-read-only"],
        ["ENAMETOOLONG", "store-read-only"],
        ["EMFILE", "busy"],
        ["ENFILE", "busy"],
    ])("%s of a write is `%s`, with its cause and a way out", (errno, code) => {
        const cause = failed(errno);
        const error = storeWriteError("/cache", cause) as KvasirError;
        expect(isKvasirError(error) && [error.code, error.cause]).toEqual([code, cause]);
        expect(error.message).toContain("/cache");
        expect(error.fix).toBeDefined();
    });

    test("a read that is refused is never called damage", () => {
        expect(storeReadError("/cache", failed("EMFILE"))).toMatchObject({code: "busy"});
        expect(storeReadError("/cache", failed("EACCES"))).toMatchObject({code: "store-read-only"});
    });

    test("other errors pass as they are", () => {
        for (const error of [
            new TypeError("bug"),
            new KvasirError("cancelled", "stopped"),
            Object.assign(new Error("x"), {code: "E1"}),
        ]) {
            expect(storeWriteError("/cache", error)).toBe(error);
            expect(storeReadError("/cache", error)).toBe(error);
            expect(errnoOf(error)).toBeUndefined();
        }
        expect([failed("ENOENT"), failed("ENOTDIR"), failed("ESTALE"), failed("EACCES")].map(isMissing)).toEqual([
            true,
            true,
            true,
            false,
        ]);
    });
});
