import {mkdtempSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {delimiter, join} from "node:path";
import fc from "fast-check";
import {describe, expect, test} from "vitest";
import {alternate, compareSides, median} from "../../../extension/cli/bench/alternate.js";
import {disjointSets, equalPieces, joinTokens, type TokenFile} from "../../../extension/cli/bench/bench-files.js";
import {findOnPath, missingPeers} from "../../../extension/cli/bench/peers.js";
import {rowGroups, rowNames} from "../../../extension/cli/bench/rows/index.js";
import {speedText, type SpeedReport} from "../../../extension/cli/bench/speed-report.js";
import {memoryTerminal} from "./memory-terminal.js";

describe("alternating sides", () => {
    const sides = (log: string[]) => ({
        a: async () => log.push("a"),
        b: async () => log.push("b"),
        c: async () => log.push("c"),
    });

    test("every side once a round, forwards and backwards, one uncounted run before", async () => {
        const log: string[] = [];
        const costs = await alternate(sides(log), {rounds: 3});
        expect(log.join("")).toBe("abc" + "abc" + "cba" + "abc");
        // A side's cost here is its place in the log: the first three are not counted.
        expect(costs).toEqual({a: [4, 9, 10], b: [5, 8, 11], c: [6, 7, 12]});
    });

    test("without a warm-up nothing runs uncounted", async () => {
        const log: string[] = [];
        expect(await alternate(sides(log), {rounds: 1, warmUp: false})).toEqual({a: [1], b: [2], c: [3]});
    });

    test("ends when it is cancelled", async () => {
        const controller = new AbortController();
        const log: string[] = [];
        const stopping = {...sides(log), b: async () => (controller.abort(), 0)};
        await expect(alternate(stopping, {rounds: 3, signal: controller.signal})).rejects.toThrow(/abort/i);
        expect(log).toEqual(["a"]);
    });
});

describe("comparing sides", () => {
    test("the ratio is that of the medians, the spread that of single rounds", () => {
        expect(compareSides([10, 20, 40], [30, 30, 20])).toEqual({kvasir: 20, peer: 30, ratio: 1.5, spread: [0.5, 3]});
    });

    test("the ratio never lies outside its spread", () => {
        const cost = fc.double({min: 0.001, max: 1e6, noNaN: true});
        fc.assert(
            fc.property(fc.array(fc.tuple(cost, cost), {minLength: 1, maxLength: 9}), (rounds) => {
                const {ratio, spread} = compareSides(
                    rounds.map(([kvasir]) => kvasir),
                    rounds.map(([, peer]) => peer),
                );
                expect(ratio).toBeGreaterThanOrEqual(spread[0] * (1 - 1e-12));
                expect(ratio).toBeLessThanOrEqual(spread[1] * (1 + 1e-12));
            }),
        );
    });

    test("medians", () => {
        expect(median([3])).toBe(3);
        expect(median([4, 1, 3])).toBe(3);
        expect(median([4, 1, 2, 3])).toBe(2.5);
        expect(median([])).toBeNaN();
    });
});

describe("files for a bench", () => {
    const file = (path: string, nTokens: number): TokenFile => ({
        path,
        text: path,
        tokens: Uint32Array.from({length: nTokens}, (_, i) => i),
    });
    const files = [
        file("tiny", 50),
        file("a", 600),
        file("b", 500),
        file("huge", 9000),
        file("c", 700),
        file("d", 800),
    ];

    test("sets are whole files, disjoint, each large enough", () => {
        const sets = disjointSets(files, 2, 1000);
        expect(sets.map((set) => set.map(({path}) => path))).toEqual([
            ["a", "b"],
            ["c", "d"],
        ]);
    });

    test("pieces are exactly as long as they should be", () => {
        const pieces = equalPieces(files, 3, 512);
        expect(pieces.map((piece) => piece.length)).toEqual([512, 512, 512]);
        // One from `a`, then two from `huge`, the second where the first ends.
        expect([...pieces.map((piece) => piece[0])]).toEqual([0, 0, 512]);
    });

    test("a repository that is too small is a coded error", () => {
        expect(() => disjointSets(files, 3, 1000)).toThrow(expect.objectContaining({code: "usage"}));
        expect(() => equalPieces(files, 30, 512)).toThrow(/too small/);
    });

    test("token lists one behind the other", () => {
        expect(joinTokens([Uint32Array.of(1, 2), new Uint32Array(), Uint32Array.of(3)])).toEqual(
            Uint32Array.of(1, 2, 3),
        );
    });
});

describe("rows", () => {
    test("have names of their own and sides on both ends", () => {
        expect(new Set(rowNames).size).toBe(rowNames.length);
        for (const {rows} of rowGroups) for (const {kvasir, peer} of rows) expect(kvasir).not.toBe(peer);
    });
});

describe("peers", () => {
    test("a program that is not on the path is missing, with the reason", () => {
        expect(missingPeers({PATH: ""})).toEqual([
            {name: "llama-server", why: "it is not installed (no llama-server on the PATH)"},
        ]);
    });

    test("a program is found on the path while it is there", () => {
        const folder = mkdtempSync(join(tmpdir(), "peers-"));
        const isWindows = process.platform === "win32";
        const program = join(folder, isWindows ? "llama-server.EXE" : "llama-server");
        const env = {PATH: ["/nonexistent", folder].join(delimiter), PATHEXT: ".COM;.EXE"};
        writeFileSync(program, "#!/bin/sh\n", {mode: 0o755});
        expect(findOnPath("llama-server", env)).toBe(program);
        expect(missingPeers(env)[0]!.why).toContain(program);
        rmSync(folder, {recursive: true});
        expect(findOnPath("llama-server", env)).toBeUndefined();
    });
});

test("the table shows both sides, the ratio and its spread, and what is missing", () => {
    const report: SpeedReport = {
        machine: {
            cpu: "Some CPU",
            cores: 2,
            memoryBytes: 8 * 2 ** 30,
            gpu: "none",
            os: "linux x64",
            model: "m.gguf",
            llamaRelease: "v0.5.0",
        },
        rows: [
            {
                name: "second-question-4k",
                unit: "ms",
                kvasir: 250,
                peer: 13_000,
                peerName: "plain llama.cpp",
                ratio: 52,
                spread: [48.04, 120.4],
            },
        ],
        missing: [{name: "llama-server", why: "it is not installed"}],
    };
    const text = speedText(report, memoryTerminal());
    expect(text).toContain("Some CPU, 2 cores, 8.0 GiB, GPU: none\nlinux x64, m.gguf, llama.cpp v0.5.0");
    expect(text).toMatch(/^second-question-4k +250 ms +13\.0 s +plain llama\.cpp +52\.0x +48\.0 to 120$/m);
    expect(text).toContain("not measured:\n  llama-server: it is not installed");
});
