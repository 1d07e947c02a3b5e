import {describe, expect, test} from "vitest";
import {Completer, type CompletionAsk} from "../../../extension/host/completion/completer.js";
import {CompletionCache} from "../../../extension/host/completion/completion-cache.js";
import type {CompleteRequest, CompletionReport, EngineApi} from "../../../extension/protocol/engine.js";
import {cancelled, modelMissing} from "../../../extension/protocol/errors.js";

interface Asked {
    request: CompleteRequest;
    isCancelled(): boolean;
    answer(text: string, candidates?: string[]): void;
    fail(error: Error): void;
}

/** An engine that answers when the test says so and ends a cancelled request as the real one does. */
function scriptedEngine(): Pick<EngineApi, "complete"> & {asked: Asked[]} {
    const asked: Asked[] = [];
    return {
        asked,
        complete: (request, signal) =>
            new Promise<CompletionReport>((resolve, reject) => {
                signal?.addEventListener("abort", () => reject(cancelled("the completion")));
                asked.push({
                    request,
                    isCancelled: () => signal?.aborted === true,
                    answer: (text, candidates) => resolve({...report, text, ...(candidates && {candidates})}),
                    fail: reject,
                });
            }),
    };
}

const report: Omit<CompletionReport, "text"> = {
    ttftMs: 1,
    ms: 1,
    tokens: 1,
    attended: [],
    reusedTokens: 0,
    readTokens: 0,
    promptTokens: 40,
    reusedPromptTokens: 30,
    mode: "prefix",
    stop: "endOfText",
};

/** `|` is the cursor. */
function askAt(marked: string, isInvoked = false): CompletionAsk {
    const offset = marked.indexOf("|");
    return {
        place: {document: "a.ts", text: marked.slice(0, offset) + marked.slice(offset + 1), offset},
        request: {workspace: "w", path: "a.ts", maxTokens: 8, multiLine: "auto"},
        isInvoked,
    };
}

function setUp({isIdle = true, shortestWaitMs = 0} = {}) {
    const engine = scriptedEngine();
    const waits: {ms: number; end: () => void}[] = [];
    const busy: boolean[] = [];
    let nowMs = 0;
    const completer = new Completer({
        engine,
        cache: new CompletionCache(),
        now: () => nowMs,
        wait: (ms, signal) =>
            new Promise((resolve) => {
                waits.push({ms, end: resolve});
                signal.addEventListener("abort", () => resolve());
            }),
        shortestWaitMs: () => shortestWaitMs,
        isIdle: () => isIdle,
        onDidChangeBusy: (isBusy) => busy.push(isBusy),
    });
    return {
        completer,
        engine,
        waits,
        busy,
        pass: (ms: number) => (nowMs += ms),
        /** One completion from the key to the engine's answer. */
        complete: async (marked: string, text: string, tookMs = 100) => {
            const offered = completer.complete(askAt(marked), new AbortController().signal);
            waits.at(-1)?.end();
            await settled();
            nowMs += tookMs;
            engine.asked.at(-1)?.answer(text);
            return offered;
        },
    };
}

/** Lets everything that waits for nothing run. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe("the road of one completion", () => {
    test("waits, asks for the whole buffer and offers the answer", async () => {
        const {completer, engine, waits, busy} = setUp();
        const offered = completer.complete(askAt("let a = |;"), new AbortController().signal);
        await settled();
        expect(engine.asked).toHaveLength(0);
        waits[0]?.end();
        await settled();
        expect(engine.asked[0]?.request).toMatchObject({path: "a.ts", text: "let a = ;", offset: 8, multiLine: "auto"});
        expect(busy).toEqual([true]);
        engine.asked[0]?.answer("f()");
        expect(await offered).toMatchObject({text: "f()", overwrite: 0, source: "engine"});
        expect(busy).toEqual([true, false]);
    });

    test("does not wait when asked for", async () => {
        const {completer, engine, waits} = setUp();
        void completer.complete(askAt("a|", true), new AbortController().signal);
        await settled();
        expect(engine.asked).toHaveLength(1);
        expect(waits).toHaveLength(0);
    });

    test("never waits less than the settings say", async () => {
        const slow = setUp({shortestWaitMs: 400});
        void slow.completer.complete(askAt("a|"), new AbortController().signal);
        expect(slow.waits[0]?.ms).toBe(400);
    });

    test("a fast engine makes the waits short", async () => {
        const {completer, waits, complete} = setUp();
        await complete("a|", "b", 20);
        void completer.complete(askAt("x|"), new AbortController().signal);
        expect(waits.at(-1)?.ms).toBe(4);
    });

    test("nothing to say is no offer", async () => {
        const {complete} = setUp();
        expect(await complete("a|", "")).toBeUndefined();
    });

    test("a failure reaches the caller, and the next one works", async () => {
        const {completer, engine, complete} = setUp();
        const failing = completer.complete(askAt("a|", true), new AbortController().signal);
        await settled();
        engine.asked[0]?.fail(modelMissing("m.gguf"));
        await expect(failing).rejects.toMatchObject({code: "model-missing"});
        expect(await complete("b|", "c")).toMatchObject({text: "c"});
    });
});

describe("cancelling", () => {
    test("before the wait is over, the engine is never asked", async () => {
        const {completer, engine} = setUp();
        const abort = new AbortController();
        const offered = completer.complete(askAt("a|"), abort.signal);
        abort.abort();
        expect(await offered).toBeUndefined();
        expect(engine.asked).toHaveLength(0);
    });

    test("while the engine works, its work ends", async () => {
        const {completer, engine, busy} = setUp();
        const abort = new AbortController();
        const offered = completer.complete(askAt("a|", true), abort.signal);
        await settled();
        abort.abort();
        expect(await offered).toBeUndefined();
        expect(engine.asked[0]?.isCancelled()).toBe(true);
        expect(busy).toEqual([true, false]);
    });

    test("another place cancels what runs, even if nobody said so", async () => {
        const {completer, engine} = setUp();
        const first = completer.complete(askAt("a|", true), new AbortController().signal);
        await settled();
        const second = completer.complete(askAt("ab|", true), new AbortController().signal);
        await settled();
        expect(engine.asked[0]?.isCancelled()).toBe(true);
        engine.asked[1]?.answer("c");
        expect(await first).toBeUndefined();
        expect(await second).toMatchObject({text: "c"});
    });

    test("the same place joins what runs", async () => {
        const {completer, engine} = setUp();
        const first = completer.complete(askAt("a|", true), new AbortController().signal);
        await settled();
        const second = completer.complete(askAt("a|"), new AbortController().signal);
        await settled();
        expect(engine.asked).toHaveLength(1);
        engine.asked[0]?.answer("b");
        expect(await first).toMatchObject({text: "b"});
        expect(await second).toMatchObject({text: "b"});
    });
});

describe("what is kept", () => {
    test("typing along asks nobody and waits for nothing", async () => {
        const {completer, engine, waits, complete} = setUp();
        const made = await complete("let a = |;", "f(1)");
        const typed = await completer.complete(askAt("let a = f|;"), new AbortController().signal);
        expect(typed).toMatchObject({id: made?.id, text: "(1)", overwrite: 0, source: "kept"});
        const bracket = await completer.complete(askAt("let a = f(|);"), new AbortController().signal);
        expect(bracket).toMatchObject({id: made?.id, text: "1)", overwrite: 1, source: "kept"});
        expect(engine.asked).toHaveLength(1);
        expect(waits).toHaveLength(1);
    });

    test("going back to an earlier place finds its suggestion", async () => {
        const {completer, engine, complete} = setUp();
        await complete("a = |\nb = ", "1");
        await complete("a = \nb = |", "2");
        const again = await completer.complete(askAt("a = |\nb = "), new AbortController().signal);
        expect(again).toMatchObject({text: "1", source: "kept"});
        expect(engine.asked).toHaveLength(2);
    });

    test("a suggestion of other words is replaced by a new one", async () => {
        const {complete, engine} = setUp();
        await complete("let a = |", "f()");
        expect(await complete("let a = g|", "(2)")).toMatchObject({text: "(2)", source: "engine"});
        expect(engine.asked).toHaveLength(2);
    });
});

describe("asked for by the person", () => {
    const never = () => new AbortController().signal;
    const several = async () => {
        const all = setUp();
        const offered = all.completer.complete(askAt("let a = |;", true), never());
        await settled();
        all.engine.asked[0]?.answer("f(1)", ["f(1)", "f(2)", "[]"]);
        return {...all, offer: await offered};
    };
    const textsOf = (offer: Awaited<ReturnType<Completer["complete"]>>) =>
        offer && [offer.text, ...offer.others.map(({text}) => text)];

    test("several are offered, each once, and by itself one", async () => {
        const {completer, engine, complete, offer} = await several();
        expect(engine.asked[0]?.request.n).toBe(3);
        expect(textsOf(offer)).toEqual(["f(1)", "f(2)", "[]"]);
        expect(textsOf(await completer.complete(askAt("let a = |;", true), never()))).toHaveLength(3);
        expect(engine.asked).toHaveLength(1);
        expect(textsOf(await complete("let b = |;", "g()"))).toEqual(["g()"]);
        expect(engine.asked[1]?.request.n).toBeUndefined();
    });

    test("typed along, those that still fit stay, with the brackets that the editor closes", async () => {
        const {completer, engine, offer} = await several();
        const typed = await completer.complete(askAt("let a = f(|);"), never());
        expect(typed).toMatchObject({
            id: offer?.id,
            text: "1)",
            overwrite: 1,
            others: [{text: "2)", overwrite: 1}],
        });
        // Asked for again, as a key that goes on to the next one does.
        const other = await completer.complete(askAt("let a = [|];", true), never());
        expect(other).toMatchObject({text: "]", overwrite: 1, others: []});
        expect(engine.asked).toHaveLength(1);
    });

    test("one that came by itself is asked for again, and stays the same suggestion", async () => {
        const {completer, engine, complete} = setUp();
        const first = await complete("a = |", "1");
        const asked = completer.complete(askAt("a = |", true), never());
        await settled();
        engine.asked[1]?.answer("1", ["1", "2"]);
        expect(await asked).toMatchObject({id: first?.id, text: "1", others: [{text: "2"}]});
    });

    test("a request for one that runs gives way, and all end with the signal", async () => {
        const {completer, engine, waits} = setUp();
        const byItself = completer.complete(askAt("a = |"), never());
        waits[0]?.end();
        await settled();
        const abort = new AbortController();
        const asked = completer.complete(askAt("a = |", true), abort.signal);
        await settled();
        expect(engine.asked.map(({request}) => request.n)).toEqual([undefined, 3]);
        expect(engine.asked[0]?.isCancelled()).toBe(true);
        abort.abort();
        expect(engine.asked[1]?.isCancelled()).toBe(true);
        expect(await Promise.all([byItself, asked])).toEqual([undefined, undefined]);
    });

    test("others are offered where the likeliest says nothing", async () => {
        const {completer, engine} = setUp();
        const asked = completer.complete(askAt("a = |", true), never());
        await settled();
        engine.asked[0]?.answer("", ["2"]);
        expect(textsOf(await asked)).toEqual(["2"]);
    });

    test("what is fetched ahead is one", async () => {
        const {completer, engine, waits, offer} = await several();
        void completer.fetchAhead(askAt("let a = |;", true), offer!);
        waits.at(-1)?.end();
        await settled();
        expect(engine.asked[1]?.request).toMatchObject({text: "let a = f(1);"});
        expect(engine.asked[1]?.request.n).toBeUndefined();
    });
});

describe("fetching ahead", () => {
    test("after a look, what follows an accept is there when it is accepted", async () => {
        const {completer, engine, waits, complete} = setUp();
        const offer = await complete("a(|)", "b)", 10);
        if (offer === undefined) throw new Error("no offer");
        const ahead = completer.fetchAhead(askAt("a(|)"), {...offer, overwrite: 1});
        waits.at(-1)?.end();
        await settled();
        expect(engine.asked[1]?.request).toMatchObject({text: "a(b)", offset: 4});
        engine.asked[1]?.answer(";");
        await ahead;
        const next = await completer.complete(askAt("a(b)|"), new AbortController().signal);
        expect(next).toMatchObject({text: ";", source: "kept"});
        expect(engine.asked).toHaveLength(2);
    });

    test("accepted before it is there, the same request goes on", async () => {
        const {completer, engine, waits, complete} = setUp();
        const offer = await complete("a|", "b");
        if (offer === undefined) throw new Error("no offer");
        void completer.fetchAhead(askAt("a|"), offer);
        waits.at(-1)?.end();
        await settled();
        const next = completer.complete(askAt("ab|"), new AbortController().signal);
        await settled();
        expect(engine.asked).toHaveLength(2);
        expect(engine.asked[1]?.isCancelled()).toBe(false);
        engine.asked[1]?.answer("c");
        expect(await next).toMatchObject({text: "c"});
    });

    test("the next key cancels it", async () => {
        const {completer, engine, waits, complete} = setUp();
        const offer = await complete("a|", "b");
        if (offer === undefined) throw new Error("no offer");
        void completer.fetchAhead(askAt("a|"), offer);
        waits.at(-1)?.end();
        await settled();
        void completer.complete(askAt("ax|", true), new AbortController().signal);
        await settled();
        expect(engine.asked[1]?.isCancelled()).toBe(true);
    });

    test("a look that ends early fetches nothing", async () => {
        const {completer, engine, complete} = setUp();
        const offer = await complete("a|", "bc");
        if (offer === undefined) throw new Error("no offer");
        const ahead = completer.fetchAhead(askAt("a|"), offer);
        await completer.complete(askAt("ab|"), new AbortController().signal);
        await ahead;
        expect(engine.asked).toHaveLength(1);
    });

    test("nothing is fetched while the engine has other work", async () => {
        const {completer, engine, waits, complete} = setUp({isIdle: false});
        const offer = await complete("a|", "b");
        if (offer === undefined) throw new Error("no offer");
        const ahead = completer.fetchAhead(askAt("a|"), offer);
        waits.at(-1)?.end();
        await ahead;
        expect(engine.asked).toHaveLength(1);
    });
});
