/**
 * Stands where the engine stands, so that what the command line sends and shows can be seen without a model: it answers
 * fixed reports and remembers every request.
 */
import type {
    AnswerReport,
    AskRequest,
    CacheReport,
    CompletionReport,
    DoctorReport,
    EngineApi,
    EngineSettings,
    ModelInfo,
    ReadReport,
    WorkspaceUpdate,
} from "../../../extension/protocol/engine.js";

export const answer: AnswerReport = {
    text: "Forty-two.",
    tokens: 5,
    ttftMs: 120,
    tokensPerSecond: 40,
    attended: [{path: "a.ts", tokens: 100, keptRows: 25, why: "imported", detail: "by b.ts"}],
    leftOut: [{path: "c.ts", why: "budget"}],
    reusedTokens: 100,
    readTokens: 0,
    stop: "endOfText",
    notes: ["rows of two earlier turns were cut"],
    reusedTurnTokens: 0,
    decodedTurnTokens: 1,
    conversationTokens: 30,
    conversationKeptRows: 30,
};

export const completion: CompletionReport = {
    text: "return 42;",
    ttftMs: 50,
    ms: 90,
    tokens: 4,
    attended: [{path: "a.ts", tokens: 100, keptRows: 25, why: "context"}],
    reusedTokens: 100,
    readTokens: 0,
    promptTokens: 40,
    reusedPromptTokens: 30,
    mode: "prefix",
    stop: "endOfText",
};

export const readReport: ReadReport = {
    files: [
        {
            path: "a.ts",
            tokens: 1000,
            keptRows: 250.4,
            bytes: 2_500_000,
            fullBytes: 10_000_000,
            source: "read",
            ms: 3100,
            refined: false,
        },
    ],
    skipped: [{path: "c.bin", reason: "changed"}],
    totals: {tokens: 1000, bytes: 2_500_000, fullBytes: 10_000_000, ms: 3100},
};

export const doctorReport: DoctorReport = {
    ok: false,
    checks: [
        {id: "addon", ok: true, detail: "it loads"},
        {id: "model", ok: false, detail: "it is missing", fix: "Run set-up."},
    ],
    engine: {backend: "cpu", addon: "0.1", llamaRelease: "v0"},
    model: {path: "/m", architecture: "llama", layers: 2, kvHeads: 1, headDim: 64, window: 8192, supported: true},
};

export const cacheReport: CacheReport = {
    entries: [{path: "a.ts", tokens: 1000, bytes: 2_500_000, tier: "disk", refined: false}],
    bytes: 2_500_000,
    limitBytes: 10_000_000,
};

export interface Recorded {
    settings: EngineSettings[];
    updates: WorkspaceUpdate[];
    asks: AskRequest[];
    calls: string[];
    nDisposed: number;
}

export interface RecordingOptions {
    /** Whether the model's head profile is known when the model is loaded. */
    hasProfile?: boolean;
    /** What measuring it throws. */
    calibrateError?: Error;
    /** What an answer does before it ends. */
    onAsk?: (request: AskRequest, text: (piece: string) => void, signal: AbortSignal | undefined) => Promise<void>;
}

export function recordingEngine({onAsk, hasProfile = true, calibrateError}: RecordingOptions = {}): {
    recorded: Recorded;
    createEngine: (settings: EngineSettings) => Promise<EngineApi>;
} {
    const recorded: Recorded = {settings: [], updates: [], asks: [], calls: [], nDisposed: 0};
    const engine: Partial<EngineApi> = {
        load: async () => ({headProfile: hasProfile ? "shipped" : "none"}) as ModelInfo,
        pause: () => undefined,
        updateWorkspace: async (update) => {
            recorded.updates.push(update);
            return {known: update.upsert?.length ?? 0};
        },
        read: async (request) => {
            recorded.calls.push(`read ${request.paths?.join(" ")}${request.refine ? " and refine" : ""}`);
            if (!request.refine) return readReport;
            const files = readReport.files.map((file) => ({...file, refined: true, refineMs: 6400}));
            return {...readReport, files, totals: {...readReport.totals, refineMs: 6400}};
        },
        ask: async (request, on, signal) => {
            recorded.asks.push(request);
            await onAsk?.(request, (piece) => on.text?.(piece), signal);
            if (onAsk === undefined) for (const piece of ["Forty-", "two."]) on.text?.(piece);
            return answer;
        },
        complete: async (request, _signal) => {
            recorded.calls.push(`complete ${request.path} ${request.offset} ${JSON.stringify(request.choice)}`);
            const {n = 1} = request;
            return n === 1 ? completion : {...completion, candidates: [completion.text, "return 43;"]};
        },
        files: async () => [],
        calibrate: async () => {
            recorded.calls.push("calibrate");
            if (calibrateError !== undefined) throw calibrateError;
            return {path: "/p.json", budgets: [{share: 0.25, perHead: [[0.5, 0.1]]}], ms: 5};
        },
        doctor: async () => doctorReport,
        cacheList: async () => cacheReport,
        cacheDrop: async (path) => {
            recorded.calls.push(`drop ${path}`);
            return path === "a.ts" ? 2 : 0;
        },
        cacheClear: async () => void recorded.calls.push("clear"),
        cacheVerify: async () => ({checked: 3, bad: [{path: "x.ts", reason: "checksum"}]}),
        dispose: async () => void recorded.nDisposed++,
    };
    return {
        recorded,
        createEngine: async (settings) => {
            recorded.settings.push(settings);
            return engine as EngineApi;
        },
    };
}
