import fc from "fast-check";
import {describe, expect, test} from "vitest";
import {type Priority, Scheduler, type Turn, priorities} from "../../../extension/engine/scheduler.js";

/** A job that runs until it is let go, so that a test decides what waits meanwhile. */
function gate(): {open: () => void; passed: Promise<void>} {
    let open: () => void = () => {};
    const passed = new Promise<void>((resolve) => (open = resolve));
    return {open, passed};
}

describe("the scheduler", () => {
    test("runs one job at a time, the most urgent first, equals in their order", async () => {
        const scheduler = new Scheduler();
        const order: string[] = [];
        const first = gate();
        const running = scheduler.run("read", () => first.passed);
        const jobs = (["refine", "read", "ask", "complete", "ask"] as Priority[]).map((priority, i) =>
            scheduler.run(priority, async () => void order.push(`${priority}${i}`)),
        );
        first.open();
        await Promise.all([running, ...jobs]);
        expect(order).toEqual(["complete3", "ask2", "ask4", "read1", "refine0"]);
    });

    test("a client with many jobs does not keep another waiting", async () => {
        const scheduler = new Scheduler();
        const order: string[] = [];
        const first = gate();
        const running = scheduler.run("ask", () => first.passed, {client: "a"});
        const job = (client: string) => scheduler.run("ask", async () => void order.push(client), {client});
        const jobs = ["a", "a", "a", "a", "b", "b", "c"].map(job);
        first.open();
        await Promise.all([running, ...jobs]);
        expect(order).toEqual(["b", "c", "a", "b", "a", "a", "a"]);
    });

    test("a long read of one client shares with a short one of another, and goes on", async () => {
        const scheduler = new Scheduler();
        const order: string[] = [];
        const read = (client: string, nParts: number) =>
            scheduler.run(
                "read",
                async (turn) => {
                    for (let part = 0; part < nParts; part++) {
                        order.push(`${client}${part}`);
                        await turn.share();
                    }
                },
                {client},
            );
        await Promise.all([read("a", 4), read("b", 2)]);
        expect(order).toEqual(["a0", "b0", "a1", "b1", "a2", "a3"]);
    });

    test("what gave way to something urgent goes on before its equals", async () => {
        const scheduler = new Scheduler();
        const order: string[] = [];
        const [begin, urgent] = [gate(), gate()];
        const long = scheduler.run(
            "read",
            async (turn) => {
                await begin.passed;
                await turn.yield();
                order.push("long");
            },
            {client: "a"},
        );
        const other = scheduler.run("read", async () => void order.push("other"), {client: "b"});
        const question = scheduler.run("ask", async () => {
            await urgent.passed;
            order.push("question");
        });
        begin.open();
        await new Promise((resolve) => setImmediate(resolve));
        urgent.open();
        await Promise.all([long, other, question]);
        expect(order).toEqual(["question", "long", "other"]);
    });

    test("more jobs than anybody can wait for are refused, those that wait are served", async () => {
        const scheduler = new Scheduler();
        const first = gate();
        const running = scheduler.run("ask", () => first.passed);
        const ends = Array.from({length: 600}, () =>
            scheduler.run("ask", async () => "served").catch((error: {code: string}) => error.code),
        );
        first.open();
        await running;
        const all = await Promise.all(ends);
        expect(all.filter((end) => end === "served")).toHaveLength(512);
        expect(all.filter((end) => end === "busy")).toHaveLength(88);
    });

    test("never two at once, nobody forgotten, whatever is cancelled meanwhile", async () => {
        const job = fc.record({
            priority: fc.constantFrom(...priorities),
            client: fc.constantFrom("a", "b", "c"),
            nSteps: fc.nat(3),
            step: fc.constantFrom<"yield" | "share">("yield", "share"),
            cancelAfter: fc.option(fc.nat(5)),
        });
        await fc.assert(
            fc.asyncProperty(fc.array(job, {maxLength: 12}), async (jobs) => {
                const scheduler = new Scheduler();
                let nRunning = 0;
                const ends = jobs.map(async ({priority, client, nSteps, step, cancelAfter}) => {
                    const controller = new AbortController();
                    const ended = scheduler
                        .run(
                            priority,
                            async (turn: Turn) => {
                                for (let i = 0; i < nSteps; i++) {
                                    expect(++nRunning).toBe(1);
                                    await Promise.resolve();
                                    nRunning--;
                                    await turn[step]();
                                }
                                return "done";
                            },
                            {client, signal: controller.signal},
                        )
                        .catch((error: {code: string}) => error.code);
                    for (let i = 0; i < (cancelAfter ?? 0); i++) await Promise.resolve();
                    if (cancelAfter !== null) controller.abort();
                    return ended;
                });
                for (const end of await Promise.all(ends)) expect(["done", "cancelled"]).toContain(end);
                expect(scheduler.nWaiting).toBe(0);
                expect(scheduler.running).toBeUndefined();
            }),
            {seed: 20_261_122, numRuns: 300},
        );
    });
});
