import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {delimiter, join} from "node:path";
import fc from "fast-check";
import {afterAll, describe, expect, test} from "vitest";
import {alternate, compareSides, median} from "../../../extension/cli/bench/alternate.js";
import {disjointSets, equalPieces, joinTokens, type TokenFile} from "../../../extension/cli/bench/bench-files.js";
import {parsePeakBytes} from "../../../extension/cli/bench/peak-memory.js";
import {findLlamaServer, findOnPath} from "../../../extension/cli/bench/peers.js";
import type {BenchLab} from "../../../extension/cli/bench/bench-lab.js";
import {measureGroups, type Measured, type MeasureOptions} from "../../../extension/cli/bench/measure.js";
import type {RowGroup} from "../../../extension/cli/bench/row-group.js";
import {rowGroups, rowNames} from "../../../extension/cli/bench/rows/index.js";
import {speedText, type SpeedReport} from "../../../extension/cli/bench/speed-report.js";
import {KvasirError, toKvasirError} from "../../../extension/protocol/errors.js";
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

    /** Sides that take so many milliseconds by a clock that only they move. */
    const clocked = (tookMs: Record<string, number>) => {
        let nowMs = 0;
        const log: string[] = [];
        const run = Object.fromEntries(
            Object.entries(tookMs).map(([name, ms]) => [
                name,
                async () => {
                    nowMs += ms;
                    log.push(name);
                    return log.length;
                },
            ]),
        );
        return {sides: run, log, now: () => nowMs};
    };

    test("no further round begins when the allowance is spent, and one is always whole", async () => {
        const measured = async (allowanceMs: number): Promise<string> => {
            const {sides: run, log, now} = clocked({a: 1000, b: 500});
            const costs = await alternate(run, {rounds: 4, warmUp: false, allowanceMs, now});
            expect(costs.a).toHaveLength(log.length / 2);
            return log.join("");
        };
        expect(await measured(0)).toBe("ab");
        expect(await measured(1500)).toBe("ab");
        expect(await measured(1501)).toBe("abba");
        expect(await measured(100_000)).toBe("abbaabba");
    });

    test("the warm-up is part of the allowance, and a round follows it", async () => {
        const {sides: run, log, now} = clocked({a: 1000, b: 500});
        expect(await alternate(run, {rounds: 4, allowanceMs: 100, now})).toEqual({a: [3], b: [4]});
        expect(log.join("")).toBe("abab");
    });

    test("a first run counts when even the quickest side's is long", async () => {
        const long = clocked({a: 20_000, b: 4000});
        expect(await alternate(long.sides, {rounds: 2, now: long.now})).toEqual({a: [1, 4], b: [2, 3]});
        const mixed = clocked({a: 20_000, b: 40});
        expect(await alternate(mixed.sides, {rounds: 2, now: mixed.now})).toEqual({a: [3, 6], b: [4, 5]});
    });

    test("complete rounds are told one by one", async () => {
        const told: string[] = [];
        const onRound = (costs: object) => told.push(JSON.stringify(costs));
        await alternate(sides([]), {rounds: 2, warmUp: false, onRound});
        expect(told).toEqual(['{"a":[1],"b":[2],"c":[3]}', '{"a":[1,6],"b":[2,5],"c":[3,4]}']);
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
    test("have sides on both ends, and one plan per peer", () => {
        const plans = rowGroups.flatMap((group) => group.rows);
        expect(new Set(plans.map(({name, peerName}) => `${name}, ${peerName}`)).size).toBe(plans.length);
        for (const {kvasir, peer} of plans) expect(kvasir).not.toBe(peer);
    });

    test("of one name say the same of Kvasir", () => {
        for (const {rows} of rowGroups) {
            for (const row of rows) {
                const same = rows.filter(({name}) => name === row.name);
                expect(new Set(same.map(({unit, kvasir}) => `${unit} ${kvasir}`)).size).toBe(1);
            }
        }
        expect(new Set(rowNames).size).toBe(rowNames.length);
    });
});

describe("peers", () => {
    const isWindows = process.platform === "win32";
    const program = isWindows ? "llama-server.EXE" : "llama-server";
    const folder = mkdtempSync(join(tmpdir(), "peers-"));
    afterAll(() => rmSync(folder, {recursive: true}));
    const install = (into: string): string => {
        mkdirSync(into, {recursive: true});
        writeFileSync(join(into, program), "#!/bin/sh\n", {mode: 0o755});
        return join(into, program);
    };
    const env = (path: string) => ({PATH: path, PATHEXT: ".COM;.EXE"});

    test("a program is found on the path while it is there", () => {
        const found = install(join(folder, "bin"));
        const path = ["/nonexistent", join(folder, "bin")].join(delimiter);
        expect(findOnPath("llama-server", env(path))).toBe(found);
        rmSync(found);
        expect(findOnPath("llama-server", env(path))).toBeUndefined();
    });

    test("the llama-server that was built here comes before another one, each for its backend", () => {
        const onPath = install(join(folder, "bin"));
        const from = {root: folder, env: env(join(folder, "bin"))};
        expect(findLlamaServer("cpu", from)).toBe(onPath);
        const cpu = install(join(folder, ".kvasir/peers/llama-server"));
        const cuda = install(join(folder, ".kvasir/peers/llama-server-cuda"));
        expect(findLlamaServer("cpu", from)).toBe(cpu);
        expect(findLlamaServer("cuda", from)).toBe(cuda);
        expect(findLlamaServer("vulkan", from)).toBe(onPath);
    });

    test("one that is not installed says how to get it", () => {
        const from = {root: join(folder, "nowhere"), env: env("")};
        const problemOf = (backend: string): KvasirError => {
            try {
                throw new Error(findLlamaServer(backend, from));
            } catch (error) {
                return toKvasirError(error);
            }
        };
        expect(problemOf("cpu").code).toBe("file-missing");
        expect(problemOf("cpu").fix).toContain("`npm run bench:peers`");
        expect(problemOf("cuda").fix).toContain("`npm run bench:peers -- --gpu cuda`");
    });
});

test("the peak memory of a process is read from its status", () => {
    expect(parsePeakBytes("Name:\tnode\nVmPeak:\t  900 kB\nVmHWM:\t     512 kB\nVmRSS:\t 100 kB\n")).toBe(512 * 1024);
    expect(parsePeakBytes("Name:\tgone\n")).toBe(0);
});

describe("measuring groups", () => {
    const lab = (signal = new AbortController().signal) =>
        ({rounds: 2, signal, say: () => undefined}) as unknown as BenchLab;
    const measured = async (
        groups: readonly RowGroup[],
        more: Partial<MeasureOptions> = {},
        signal?: AbortSignal,
    ): Promise<Measured> => {
        const onto: Measured = {rows: [], missing: []};
        const options = {named: undefined, isOnCpu: true, enter: () => undefined, onto, ...more};
        await measureGroups(groups, lab(signal), options);
        return onto;
    };
    const plan = (name: string, peer: string) => ({name, unit: "ms" as const, kvasir: "own", peer, peerName: peer});
    const group = (name: string, log: string[] = [], more: Partial<RowGroup> = {}): RowGroup => ({
        rows: [plan(name, "here"), plan(name, "gone")],
        prepare: async () => ({
            sides: {
                own: async () => (log.push(`${name} own`), 2),
                here: async () => (log.push(`${name} here`), 6),
                gone: async () => {
                    throw new Error("must not run");
                },
            },
            absent: {gone: "it is not installed."},
            warmUp: false,
            dispose: () => void log.push(`${name} disposed`),
        }),
        ...more,
    });

    test("a peer that is not there is missing with the reason; the other one is measured", async () => {
        const log: string[] = [];
        expect(await measured([group("a", log)])).toEqual({
            rows: [
                {
                    ...{
                        name: "a",
                        unit: "ms",
                        peerName: "here",
                        kvasir: 2,
                        peer: 6,
                        ratio: 3,
                        spread: [3, 3],
                        rounds: 2,
                    },
                    load: expect.any(Number) as number,
                },
            ],
            missing: [{name: "a, gone", why: "it is not installed."}],
        });
        expect(log).toEqual(["a own", "a here", "a here", "a own", "a disposed"]);
    });

    test("a group that cannot be prepared, and one that fails on the way, say why; the next one runs", async () => {
        const log: string[] = [];
        const noRoom = group("big", log, {
            prepare: async () => Promise.reject(new KvasirError("out-of-memory", "there is no room.")),
        });
        const lost = group("lost", log, {
            prepare: async () => ({
                sides: {own: async () => 1, here: async () => Promise.reject(new Error("the device is gone"))},
                absent: {gone: "it is not installed."},
                dispose: () => void log.push("lost disposed"),
            }),
        });
        const {rows, missing} = await measured([noRoom, lost, group("a")]);
        expect(rows.map(({name}) => name)).toEqual(["a"]);
        expect(missing.slice(0, 2)).toEqual(
            ["here", "gone"].map((peer) => ({name: `big, ${peer}`, why: "there is no room."})),
        );
        expect(missing.find(({name}) => name === "lost, here")?.why).toContain("the device is gone");
        expect(log).toEqual(["lost disposed"]);
    });

    test("a side that fails takes only its own rows along", async () => {
        const log: string[] = [];
        let nRuns = 0;
        const failing = group("a", log, {
            prepare: async () => ({
                sides: {
                    own: async () => (log.push("own"), 2),
                    here: async () => 6,
                    gone: async () => {
                        if (++nRuns > 1) throw new Error("the connection broke");
                        return 4;
                    },
                },
                warmUp: false,
                dispose: () => undefined,
            }),
        });
        const {rows, missing} = await measured([failing]);
        expect(rows.map(({name, peerName, rounds}) => [name, peerName, rounds])).toEqual([["a", "here", 2]]);
        expect(missing).toEqual([{name: "a, gone", why: expect.stringContaining("the connection broke") as string}]);
        expect(log).toEqual(["own", "own"]);
    });

    test("no peer is run that has nothing to be compared with", async () => {
        const log: string[] = [];
        const failing = group("a", log, {
            prepare: async () => ({
                sides: {
                    own: async () => Promise.reject(new KvasirError("out-of-memory", "the device is full.")),
                    here: async () => log.push("here"),
                    gone: async () => log.push("gone"),
                },
                dispose: () => undefined,
            }),
        });
        const {rows, missing} = await measured([failing]);
        expect(rows).toEqual([]);
        expect(missing.map(({why}) => why)).toEqual(["the device is full.", "the device is full."]);
        expect(log).toEqual([]);
    });

    test("rows stand though their group cannot be put away", async () => {
        const stuck = group("a", [], {
            prepare: async () => ({
                sides: {own: async () => 1, here: async () => 2, gone: async () => 3},
                dispose: () => {
                    throw new Error("the device is gone");
                },
            }),
        });
        const {rows, missing} = await measured([stuck, group("b")]);
        expect(rows.map(({name, peerName}) => `${name} ${peerName}`)).toEqual(["a here", "a gone", "b here"]);
        expect(missing.map(({name}) => name)).toEqual(["b, gone"]);
    });

    test("a group gets its allowance, unless its rows are named", async () => {
        let nowMs = 0;
        const slow = group("a", [], {
            allowanceMs: 5000,
            prepare: async () => ({
                sides: {own: async () => (nowMs += 4000), here: async () => (nowMs += 4000)},
                absent: {gone: "it is not installed."},
                dispose: () => undefined,
            }),
        });
        const roundsOf = async (named?: string[]) =>
            (await measured([slow], {named, now: () => nowMs})).rows.map(({rounds}) => rounds);
        expect(await roundsOf()).toEqual([1]);
        expect(await roundsOf(["a"])).toEqual([2]);
    });

    test("each group is announced with how many there are", async () => {
        const places: string[] = [];
        const many = group("c", [], {rows: ["c", "d", "e"].map((name) => plan(name, "here"))});
        const pair = group("f", [], {rows: ["f", "g"].map((name) => plan(name, "here"))});
        await measured([group("a"), group("slow", [], {isLong: true}), many, pair], {
            enter: (place) => places.push(place),
        });
        expect(places).toEqual(["1 of 3, a", "2 of 3, c and 2 more", "3 of 3, f, g"]);
    });

    test("only the named rows run; long ones on a CPU only when they are named", async () => {
        const groups = [group("a"), group("slow", [], {isLong: true})];
        const names = async (more: Partial<MeasureOptions>) =>
            (await measured(groups, more)).rows.map(({name}) => name);
        expect(await names({})).toEqual(["a"]);
        expect(await names({named: ["slow"]})).toEqual(["slow"]);
        expect(await names({isOnCpu: false})).toEqual(["a", "slow"]);
        const {missing} = await measured(groups);
        expect(missing.find(({name}) => name === "slow, here")?.why).toContain("--rows");
    });

    test("a bench that is cancelled in the middle of a group keeps its complete rounds", async () => {
        const controller = new AbortController();
        let nRuns = 0;
        const stopping = group("a", [], {
            prepare: async () => ({
                sides: {
                    own: async () => 2,
                    here: async () => {
                        if (++nRuns === 2) controller.abort();
                        return 6;
                    },
                },
                absent: {gone: "it is not installed."},
                warmUp: false,
                dispose: () => undefined,
            }),
        });
        const onto: Measured = {rows: [], missing: []};
        await expect(measured([stopping], {onto}, controller.signal)).rejects.toThrow(/abort/i);
        expect(onto.rows.map(({name, rounds}) => [name, rounds])).toEqual([["a", 1]]);
    });

    test("a cancelled bench ends instead of calling its rows missing", async () => {
        const controller = new AbortController();
        const stopping = group("a", [], {
            prepare: async () => {
                controller.abort();
                throw new Error("stopped in the middle");
            },
        });
        const onto: Measured = {rows: [], missing: []};
        await expect(measured([group("before"), stopping], {onto}, controller.signal)).rejects.toThrow();
        // What was complete by then is kept.
        expect(onto.rows.map(({name}) => name)).toEqual(["before"]);
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
            date: "2026-11-26T00:00:00.000Z",
            load: 1.25,
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
                rounds: 3,
                load: 2.5,
            },
        ],
        durationMs: 1_445_000,
        missing: [
            {name: "question-edited-5k, llama-server", why: "llama-server is not installed."},
            {name: "switch-16k, plain llama.cpp", why: "no room."},
            {name: "question-restart-5k, llama-server", why: "llama-server is not installed."},
        ],
    };
    const text = speedText(report, memoryTerminal());
    expect(text).toContain(
        "Some CPU, 2 cores, 8.0 GiB, GPU: none\nlinux x64, m.gguf, llama.cpp v0.5.0, load 1.3, measured in 24 min 05 s",
    );
    expect(text).toMatch(/^second-question-4k +250 ms +13\.0 s +plain llama\.cpp +52\.0x +48\.0 to 120 +3$/m);
    // A reason is said once.
    expect(text).toContain(
        "not measured:\n" +
            "  question-edited-5k, llama-server; question-restart-5k, llama-server: llama-server is not installed.\n" +
            "  switch-16k, plain llama.cpp: no room.",
    );
});
