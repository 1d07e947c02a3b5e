import {mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {afterEach, beforeEach, describe, expect, test} from "vitest";
import {type DownloadJob, type DownloadOptions, downloadModel} from "../../../extension/engine/models/download.js";
import type {DownloadProgress} from "../../../extension/protocol/models.js";
import {buildChild, resultOf, runChildWithMounts} from "../store/run-child.js";
import {DownloadServer} from "./download-server.js";
import {madeUpGguf} from "./made-up-gguf.js";

/** Three of the pieces of 5 MiB that a download is kept in, so that one of them can be there already. */
const model = madeUpGguf({nElements: 3_000_000});
const pieceBytes = 5 * 2 ** 20;
/** The first piece comes whole, of the others a few bytes. */
const behindFirstPiece = (from: number) => (from === 0 ? undefined : 1000);

let server: DownloadServer;
let folder: string;

beforeEach(async () => {
    server = await DownloadServer.start(model);
    folder = mkdtempSync(join(tmpdir(), "kvasir-models-"));
});
afterEach(async () => {
    await server.stop();
    rmSync(folder, {recursive: true, force: true});
});

function get(job: Partial<DownloadJob> = {}, options: Partial<DownloadOptions> = {}) {
    const url = `${server.origin}/model.gguf`;
    return downloadModel(
        {uri: url, url, file: "model.gguf", folder, ...job},
        {signal: new AbortController().signal, ...options},
    );
}

/** Names that a model could be taken for. */
const models = () => readdirSync(folder).filter((name) => name.endsWith(".gguf"));
const isWhole = () => readFileSync(join(folder, "model.gguf")).equals(model);

describe("a download that goes well", () => {
    test("is checked against the catalogue's checksum, and tells how far it is", async () => {
        const steps: DownloadProgress[] = [];
        const report = await get(
            {bytes: model.length, sha256: server.sha256},
            {onProgress: (progress) => steps.push(progress)},
        );
        expect(report).toEqual({
            path: join(folder, "model.gguf"),
            bytes: model.length,
            checked: "catalogue",
            wasThere: false,
        });
        expect(isWhole()).toBe(true);
        expect([...new Set(steps.map(({step}) => step))]).toEqual(["asking", "downloading", "checking"]);
        expect(steps.filter(({step}) => step === "downloading").at(-1)).toMatchObject({
            bytes: model.length,
            totalBytes: model.length,
        });
        expect(readdirSync(join(folder, ".unfinished"))).toEqual([]);
    });

    test("without a checksum of our own the server's counts, told on the way to where the file lies", async () => {
        server.manners = {redirectFrom: "/model.gguf", sha256: server.sha256};
        expect(await get()).toMatchObject({checked: "server"});
        expect(isWhole()).toBe(true);
    });

    test("a server that knows neither questions nor ranges: its header must do", async () => {
        server.manners = {hasHead: false, hasRanges: false};
        expect(await get()).toMatchObject({checked: "header", bytes: model.length});
        expect(isWhole()).toBe(true);
    });

    test("what is here already is not fetched", async () => {
        await get();
        const nAsked = server.paths.length;
        expect(await get()).toMatchObject({wasThere: true});
        expect(server.paths).toHaveLength(nAsked);
    });
});

describe("a download that does not", () => {
    test("cut at any byte, it goes on by itself", async () => {
        let seed = 7;
        const random = () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
        // Each answer is cut somewhere, the later ones are let through.
        server.manners = {cutAfter: (nAnswers) => (nAnswers < 5 ? Math.floor(random() * model.length) : undefined)};
        await get({bytes: model.length, sha256: server.sha256});
        expect(isWhole()).toBe(true);
    });

    test("stalled, it is given up with a code; the next try asks only for what is missing", async () => {
        server.manners = {stallAfter: behindFirstPiece};
        await expect(get({}, {stallMs: 1500})).rejects.toMatchObject({code: "download-stalled"});
        expect(models()).toEqual([]);
        server.manners = {};
        server.asked.length = 0;
        server.sentBytes = 0;
        expect(await get({bytes: model.length, sha256: server.sha256})).toMatchObject({checked: "catalogue"});
        expect(isWhole()).toBe(true);
        // The first question about the file is a GET that nobody reads to its end.
        const ranges = server.asked.filter((range) => range !== "all");
        expect(ranges.length).toBeGreaterThan(0);
        expect(ranges.some((range) => range.startsWith("0-"))).toBe(false);
    });

    test("cancelled, it says so, leaves no model, and goes on another time", async () => {
        server.manners = {stallAfter: behindFirstPiece};
        const controller = new AbortController();
        const running = get(
            {},
            {
                signal: controller.signal,
                onProgress: ({bytes}) => {
                    if (bytes >= pieceBytes) controller.abort();
                },
            },
        );
        await expect(running).rejects.toMatchObject({
            code: "cancelled",
            fix: expect.stringContaining("goes on") as string,
        });
        expect(models()).toEqual([]);
        server.manners = {};
        await get({bytes: model.length, sha256: server.sha256});
        expect(isWhole()).toBe(true);
    });

    test.each([
        ["a wrong checksum", {}, {bytes: model.length, sha256: "0".repeat(64)}, /checksum differs/],
        ["a wrong checksum of the server", {sha256: "1".repeat(64)}, {}, /checksum differs/],
        ["a file of another size", {}, {bytes: 5, sha256: "0".repeat(64)}, /should have 5/],
        ["a web page", {isPage: true}, {}, /web page/],
        [
            "a web page that hides from the first question",
            {isPage: true, hasHead: false},
            {},
            /does not begin with GGUF|cut short/,
        ],
    ])("%s: refused, nothing is left", async (_, manners, job, message) => {
        server.manners = manners;
        await expect(get(job)).rejects.toMatchObject({
            code: "download-wrong",
            message: expect.stringMatching(message) as string,
        });
        expect(models()).toEqual([]);
        server.manners = {};
        await get();
        expect(isWhole()).toBe(true);
    });

    test("a length that is not true", async () => {
        server.manners = {extraLength: 1000, hasRanges: false};
        await expect(get({}, {stallMs: 1500})).rejects.toMatchObject({code: "download-stalled"});
        expect(models()).toEqual([]);
    });

    test("no length at all: where a cut would look like the end, nothing is taken", async () => {
        server.manners = {hasLength: false, hasRanges: false};
        await expect(get()).rejects.toMatchObject({
            code: "download-failed",
            message: expect.stringContaining("how large") as string,
        });
        expect(models()).toEqual([]);
    });

    test("a disk that fills up: `disk-full`, before it begins or in the middle, and nothing is left on it", async () => {
        // Inside the checkout, so that the program finds node-llama-cpp.
        const home = mkdtempSync(join(import.meta.dirname, "../../../.kvasir/full-disk-"));
        try {
            mkdirSync(join(home, "mount"));
            const program = await buildChild("full-disk-download", home, import.meta.dirname);
            const result = resultOf(await runChildWithMounts(program, join(home, "mount")));
            expect(result).toEqual({before: "disk-full", asked: 0, during: "disk-full", left: []});
        } finally {
            rmSync(home, {recursive: true, force: true});
        }
    });

    test.each([
        [401, "download-forbidden", /HTTP 401/],
        [403, "download-forbidden", /HTTP 403/],
        [404, "download-failed", /no such file/],
        [429, "download-failed", /HTTP 429/],
        [500, "download-failed", /HTTP 500/],
    ])("HTTP %i", async (status, code, message) => {
        server.manners = {status};
        await expect(get()).rejects.toMatchObject({code, message: expect.stringMatching(message) as string});
        expect(models()).toEqual([]);
    });

    test("nobody there", async () => {
        const gone = await DownloadServer.start(model);
        const url = `${gone.origin}/model.gguf?key=secret`;
        await gone.stop();
        const failure = await get({uri: url, url}).then(
            () => undefined,
            (error: Error) => error,
        );
        expect(failure).toMatchObject({code: "download-failed", message: expect.stringMatching(/refuses/) as string});
        expect(JSON.stringify(failure)).not.toContain("secret");
    });

    test("a folder that is a file", async () => {
        const file = join(folder, "file");
        writeFileSync(file, "");
        await expect(get({folder: join(file, "models")})).rejects.toMatchObject({code: "store-read-only"});
    });

    test("a second process at the same file waits its turn", async () => {
        server.manners = {stallAfter: () => 1000};
        const controller = new AbortController();
        const first = get({}, {signal: controller.signal}).catch((error: unknown) => error);
        await expect.poll(() => server.asked.length).toBeGreaterThan(0);
        await expect(get()).rejects.toMatchObject({code: "busy"});
        controller.abort();
        expect(await first).toMatchObject({code: "cancelled"});
    });
});

describe("addresses of Hugging Face", () => {
    test("a quantisation is asked for, and the file keeps its name", async () => {
        // The manifest names the file; this server gives the same bytes for every path.
        const uri = "hf:user/model-GGUF:Q4_K_M";
        server.manners = {status: 404};
        await expect(
            get({uri, url: undefined, file: undefined}, {endpoint: `${server.origin}/`}),
        ).rejects.toMatchObject({
            code: "download-failed",
            message: expect.stringContaining("no such model") as string,
        });
        expect(server.paths).toContain("GET /v2/user/model-GGUF/manifests/Q4_K_M");
    });

    test("a file is asked for at the named place, with the key of the user for that server alone", async () => {
        const uri = "hf:user/repo/sub/model.gguf";
        const url = `${server.origin}/user/repo/resolve/main/sub/model.gguf`;
        await get({uri, url}, {endpoint: `${server.origin}/`, token: "key"});
        expect(server.paths[0]).toBe("HEAD /user/repo/resolve/main/sub/model.gguf");
        expect(isWhole()).toBe(true);
    });
});
