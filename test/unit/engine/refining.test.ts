import {afterEach, describe, expect, test} from "vitest";
import type {LoadedEngine} from "../../../extension/engine/loaded-engine.js";
import {Refiner} from "../../../extension/engine/refining.js";
import {Scheduler} from "../../../extension/engine/scheduler.js";
import {KnownWorkspace} from "../../../extension/engine/workspace/known-workspace.js";
import {KvasirError} from "../../../extension/protocol/errors.js";

/** An engine whose refinements take as long as the test wants, and which remembers them. */
class Bench {
    readonly generations = new Map<string, number>();
    readonly begun: string[] = [];
    readonly warnings: string[] = [];
    /** Ends the refinement that runs. */
    finish: (error?: Error) => void = () => {};
    isLoaded = true;
    limitBytes = 1_000_000;
    readonly workspace = new KnownWorkspace("/r", (text) => Uint32Array.from(text, (_, i) => i), 512);
    readonly scheduler: Scheduler = new Scheduler((running) => {
        if (running === undefined) this.refiner.expect();
    });
    readonly refiner: Refiner = new Refiner({
        scheduler: this.scheduler,
        loaded: () => (this.isLoaded ? this.engine : undefined),
        workspaces: () => [this.workspace],
        onDidRefine: () => {},
        log: (_level, message) => void this.warnings.push(message),
        quietMs: 0,
    });
    readonly engine = {
        context: {bytesPerToken: 1, memory: () => ({limitBytes: this.limitBytes})},
        store: {flush: async () => {}},
        library: {
            canRefine: () => true,
            generation: async ({path}: {path: string}) => this.generations.get(path),
            refine: ({path}: {path: string}, {signal}: {signal: AbortSignal}) => {
                this.begun.push(path);
                return new Promise<void>((resolve, reject) => {
                    const cancelled = () => reject(new KvasirError("cancelled", "it was cancelled."));
                    if (signal.aborted) cancelled();
                    signal.addEventListener("abort", cancelled);
                    this.finish = (error) => {
                        if (error) return reject(error);
                        this.generations.set(path, 1);
                        resolve();
                    };
                });
            },
        },
    } as unknown as LoadedEngine;

    constructor(paths = ["a.ts", "b.ts"]) {
        this.workspace.update({
            workspace: "/r",
            upsert: paths.map((path) => ({path, text: `const ${path[0]!} = 1;\n`})),
            refine: true,
        });
        for (const path of paths) {
            this.workspace.parts(path);
            this.generations.set(path, 0);
        }
    }

    answered(path = "a.ts"): void {
        this.workspace.markAttended([path]);
        this.refiner.expect();
    }

    /** A question that comes now and is over at once. */
    ask(): Promise<void> {
        return this.scheduler.run("ask", async () => {});
    }
}

/** Until so many refinements have begun. */
const begun = (bench: Bench, n: number) =>
    expect.poll(() => bench.begun.length, {interval: 1}).toBeGreaterThanOrEqual(n);
/** Long enough for a timer of no time, and for what follows from it. */
async function turns(n = 20): Promise<void> {
    for (let i = 0; i < n; i++) await new Promise((resolve) => setTimeout(resolve, 0));
}

describe("a refiner", () => {
    let bench: Bench;
    afterEach(() => bench.refiner.pause());

    test("begins once an answer has been given, with what it saw, and ends when everything is refined", async () => {
        bench = new Bench();
        bench.refiner.expect();
        await turns();
        expect(bench.begun).toEqual([]);
        bench.answered("b.ts");
        await begun(bench, 1);
        bench.finish();
        await begun(bench, 2);
        bench.finish();
        await turns();
        expect(bench.begun).toEqual(["b.ts", "a.ts"]);
    });

    test("gives up for a question, which does not wait for it, and takes it up again afterwards", async () => {
        bench = new Bench();
        bench.answered();
        await begun(bench, 1);
        // Nobody finishes the refinement: only giving it up lets the question through.
        await bench.ask();
        expect(bench.generations.get("a.ts")).toBe(0);
        await begun(bench, 2);
        expect(bench.begun).toEqual(["a.ts", "a.ts"]);
    });

    test("does nothing while the device is busy, and looks again when it is not", async () => {
        bench = new Bench();
        let end = () => {};
        const asked = bench.scheduler.run("ask", () => new Promise<void>((resolve) => (end = resolve)));
        bench.answered();
        await turns();
        expect(bench.begun).toEqual([]);
        end();
        await asked;
        await begun(bench, 1);
    });

    test("rests while paused, unloaded, or where a workspace does not want it", async () => {
        bench = new Bench();
        bench.answered();
        await begun(bench, 1);
        bench.refiner.pause();
        await turns();
        expect(bench.scheduler.running).toBeUndefined();
        bench.refiner.resume();
        await begun(bench, 2);
        bench.workspace.update({workspace: "/r", refine: false});
        bench.refiner.leave();
        await turns();
        expect([bench.scheduler.running, bench.begun.length]).toEqual([undefined, 2]);
        bench.workspace.update({workspace: "/r", refine: true});
        bench.isLoaded = false;
        bench.refiner.expect();
        await turns();
        expect(bench.begun).toHaveLength(2);
    });

    test("leaves a part that fails as it is, says so once, and goes on", async () => {
        bench = new Bench();
        bench.answered();
        await begun(bench, 1);
        bench.finish(new KvasirError("kv-limit", "there is no room."));
        await begun(bench, 2);
        expect(bench.begun).toEqual(["a.ts", "b.ts"]);
        bench.finish();
        await turns();
        await bench.ask();
        await turns();
        expect(bench.begun).toHaveLength(2);
        expect(bench.warnings).toEqual(["a.ts stays as it was read: there is no room."]);
        expect(bench.refiner.whyNot(bench.workspace, "a.ts")).toBe("there is no room.");
        expect(bench.refiner.whyNot(bench.workspace, "b.ts")).toBeUndefined();
    });

    test("leaves out what is excluded, unread or refined, and what would take too much memory", async () => {
        bench = new Bench(["a.ts", "b.ts", "c.ts", "d.ts"]);
        bench.workspace.update({workspace: "/r", excluded: ["b.ts"]});
        bench.generations.delete("c.ts");
        bench.generations.set("d.ts", 1);
        bench.answered();
        await begun(bench, 1);
        bench.finish();
        await turns();
        expect(bench.begun).toEqual(["a.ts"]);
        const small = new Bench();
        small.limitBytes = 100;
        small.answered();
        await turns();
        expect(small.begun).toEqual([]);
        expect(small.refiner.whyNot(small.workspace, "a.ts")).toMatch(/memory/);
    });
});
