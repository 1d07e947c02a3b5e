/**
 * An engine without a model, for tests of what lies between it and its clients: does what the question's text says and
 * remembers what it was asked.
 */
import {
    emptyStatus,
    type EngineApi,
    type EngineSettings,
    type EngineStatus,
} from "../../../extension/protocol/engine.js";
import {KvasirError, cancelled} from "../../../extension/protocol/errors.js";

export interface ScriptedEngine extends EngineApi {
    /** Names of calls with what they were about, in order. */
    readonly calls: string[];
    setStatus(change: Partial<EngineStatus>): void;
}

export const someSettings: EngineSettings = {
    modelPath: "/models/a.gguf",
    gpu: "cpu",
    policy: "aha-file",
    budget: 0.25,
    rowType: "f16",
    cacheDir: "/cache",
    threads: 1,
    position: "parallel",
    attendedTokens: 8192,
    waitForReadsMs: 1000,
};

const model = {
    path: "/models/a.gguf",
    name: "a",
    architecture: "llama",
    layers: 30,
    heads: 9,
    kvHeads: 3,
    headDim: 64,
    window: 8192,
    supported: true,
    hasChatTemplate: true,
    hasFim: false,
    headProfile: "none" as const,
    weightsBytes: 98_362_432,
};

/** Questions: `words N` streams N words; `wait` answers only when it is cancelled; `fail` fails with a coded error. */
export function createScriptedEngine(onCall: (call: string) => void = () => {}): ScriptedEngine {
    const calls: string[] = [];
    const listeners = new Set<(status: EngineStatus) => void>();
    const record = (call: string) => {
        calls.push(call);
        onCall(call);
    };
    let status: EngineStatus = {
        ...emptyStatus("ready"),
        model,
        kv: {usedBytes: 1, peakBytes: 2, limitBytes: 3},
        disk: {bytes: 4, limitBytes: 5},
        clients: 1,
    };
    const untilAborted = (what: string, signal: AbortSignal | undefined) =>
        new Promise<never>((_, reject) => {
            const abort = () => {
                record(`cancelled ${what}`);
                reject(cancelled(what));
            };
            if (signal?.aborted) abort();
            else signal?.addEventListener("abort", abort, {once: true});
        });
    const engine: ScriptedEngine = {
        calls,
        setStatus(change) {
            status = {...status, ...change};
            for (const listener of listeners) listener(status);
        },
        status: () => status,
        onDidChangeStatus(listener) {
            listeners.add(listener);
            return () => void listeners.delete(listener);
        },
        async load(onProgress) {
            for (const share of [0, 0.5, 1]) onProgress?.(share);
            return model;
        },
        async unload() {
            record("unload");
        },
        pause: () => record("pause"),
        resume: () => record("resume"),
        async updateWorkspace({workspace, upsert = []}) {
            record(`update ${workspace} ${upsert.map(({path}) => path).join(",")}`);
            return {known: upsert.length};
        },
        async closeWorkspace(workspace) {
            record(`close ${workspace}`);
        },
        async read({workspace, paths = []}, onProgress, signal) {
            record(`read ${workspace}`);
            const progress = {filesDone: 0, filesTotal: paths.length, tokensDone: 0, tokensTotal: 10};
            for (const path of paths) {
                onProgress?.({...progress, path});
                if (path === "endless.ts") return untilAborted("read", signal);
                progress.filesDone++;
                onProgress?.({...progress, path});
            }
            return {files: [], skipped: [], totals: {tokens: 0, bytes: 0, fullBytes: 0, ms: 0}};
        },
        async ask({conversation, turns}, on, signal) {
            const question = turns.at(-1)?.text ?? "";
            record(`ask ${conversation} ${question.slice(0, 20)}`);
            if (question === "fail") throw new KvasirError("kv-limit", "it does not fit.", {fix: "Make room."});
            on.attended?.([{path: "a.ts", tokens: 3, keptRows: 1, why: "open"}], []);
            if (question === "wait") {
                on.text?.("I am");
                return untilAborted("ask", signal);
            }
            const words = Array.from({length: Number(question.split(" ")[1])}, (_, n) => `w${n} `);
            for (const word of words) {
                on.text?.(word);
                await new Promise((resolve) => setImmediate(resolve));
            }
            return {
                text: words.join(""),
                tokens: words.length,
                ttftMs: 1,
                tokensPerSecond: 2,
                attended: [],
                leftOut: [],
                reusedTokens: 0,
                readTokens: 0,
                stop: "endOfText",
                notes: [],
                reusedTurnTokens: 0,
                decodedTurnTokens: 1,
                conversationTokens: 1,
                conversationKeptRows: 1,
            };
        },
        async forget(conversation) {
            record(`forget ${conversation}`);
        },
        async complete({path}, signal) {
            record(`complete ${path}`);
            return untilAborted(`complete ${path}`, signal);
        },
        files: async () => [],
        keptLines: async (_workspace, path) => ({path, share: [1, 0.5], isCurrent: true}),
        countTokens: async (texts) => texts.map(({length}) => length),
        calibrate: async () => ({path: "/p.json", budgets: [{share: 0.25, perHead: [[1]]}], ms: 1}),
        headProfile: async () => undefined,
        doctor: async () => ({
            ok: true,
            checks: [{id: "model", ok: true, detail: "there"}],
            engine: {backend: "cpu", addon: "none", llamaRelease: "none"},
            model,
        }),
        cacheList: async () => ({entries: [], bytes: 0, limitBytes: 1}),
        cacheDrop: async () => 2,
        async cacheClear() {
            record("clear");
        },
        cacheVerify: async () => ({checked: 3, bad: []}),
        async dispose() {
            record("dispose");
        },
    };
    return engine;
}
