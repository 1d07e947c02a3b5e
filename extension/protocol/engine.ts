/**
 * What an engine does for its clients: the extension host over RPC, the command line in its own process. Types only.
 * A client sends the whole state it wants (files, turns, choices); the engine finds what it can reuse.
 */

/** A file's text as the client sees it: an unsaved buffer counts as the text. Paths are relative, with "/". */
export interface SourceFile {
    path: string;
    text: string;
    /** Last change, epoch ms, when known: recently changed files are read first. */
    mtimeMs?: number;
}

/** What kinds of OpenAI-compatible servers there are: they differ in how they tell their window and complete. */
export const serverKinds = ["generic", "vllm", "sglang", "llama-server"] as const;
export type ServerKind = (typeof serverKinds)[number];

/** A server that computes in the place of the local model. Requests go to it and to nobody else. */
export interface RemoteServer {
    /** With the API's version: `https://host/v1`. */
    baseUrl: string;
    /** As the server names it; "" for the first that it has. */
    model: string;
    kind: ServerKind;
    /** An engine tells it to nobody but that server. */
    apiKey?: string;
}

export interface EngineSettings {
    /** Where the model runs when it is not here; `modelPath` then does not count. */
    remote?: RemoteServer;
    modelPath: string;
    gpu: "auto" | "cpu" | "cuda" | "vulkan" | "metal";
    /** Name of a preset. */
    policy: string;
    /** Share of rows kept, in (0, 1]. */
    budget: number;
    rowType: "f16" | "q8_0" | "q4_0";
    /** Hard limit of all KV memory, MiB; undefined lets the engine choose from free memory. */
    kvMib?: number;
    /** Hard limit of the rows in main memory beside those on a GPU, MiB; undefined lets the engine choose, 0 keeps none. */
    ramMib?: number;
    cacheDir: string;
    /** Disk limit of the store, MiB. */
    cacheLimitMib?: number;
    /** Encrypts the store: 64 hexadecimal digits. An engine tells it to nobody. */
    storeKey?: string;
    /** 0 for all cores. */
    threads: number;
    position: "parallel" | "sequential";
    /** Files a question sees, in tokens before cutting. */
    attendedTokens: number;
    /** How long a question waits for chosen files that are not read yet; for those it names in `context`, as long as it takes. */
    waitForReadsMs: number;
}

export interface ModelInfo {
    path: string;
    /** File name without folder and extension. */
    name: string;
    architecture: string;
    layers: number;
    heads: number;
    kvHeads: number;
    headDim: number;
    /** Trained window, tokens. */
    window: number;
    supported: boolean;
    /** Why it is not supported, or runs with a limit. */
    reason?: string;
    hasChatTemplate: boolean;
    hasFim: boolean;
    /** Whether it can be given tools: its template says how, in a form that is read here. */
    callsTools?: boolean;
    /** Where the head profile comes from; `none` until the engine has calibrated. */
    headProfile: "shipped" | "measured" | "none";
    weightsBytes: number;
}

/** Where a file's rows are. `known`: text only. */
export type Tier = "attended" | "memory" | "disk" | "known";

/** One file in the cache view. */
export interface FileStatus {
    path: string;
    tokens: number;
    /** Mean rows kept over layers and KV heads; 0 when unread. */
    keptRows: number;
    /** Bytes of the kept rows. */
    bytes: number;
    /** Bytes of all rows in f16. */
    fullBytes: number;
    tier: Tier;
    refined: boolean;
    /** Why it will not be refined, when it was tried and given up. */
    notRefined?: string;
    pinned: boolean;
    /** Its own share of rows, when it differs from the engine's. */
    budget?: number;
    /** Questions and completions that saw it. */
    hits: number;
    lastAttendedMs?: number;
    /** Why it cannot be read, when it cannot. */
    reason?: string;
}

export type WhyChosen = "pinned" | "context" | "named" | "open" | "imported" | "matched";

export interface AttendedFile {
    path: string;
    tokens: number;
    keptRows: number;
    why: WhyChosen;
    /** For a person: "imported by a.ts", the matched words. */
    detail?: string;
}

export interface LeftOutFile {
    path: string;
    /** `budget`, `not read yet`, or a skip reason. */
    why: string;
}

export type ReadSource = "memory" | "disk" | "read";

export interface ReadFileReport {
    path: string;
    tokens: number;
    keptRows: number;
    bytes: number;
    fullBytes: number;
    source: ReadSource;
    ms: number;
    /** Whether its rows were chosen by a second, better scoring. */
    refined: boolean;
    /** What scoring it again took, when this read did. */
    refineMs?: number;
}

export interface ReadReport {
    files: ReadFileReport[];
    skipped: {path: string; reason: string}[];
    totals: {tokens: number; bytes: number; fullBytes: number; ms: number; refineMs?: number};
}

export interface ReadRequest {
    workspace: string;
    /** All files when left out. */
    paths?: string[];
    /** Pinned and open files, the nearest first: they are read before the others, and then what they import. */
    near?: string[];
    /** Reads what is there already, too. */
    again?: boolean;
    /** Scores the files again afterwards, with better scores, and keeps the better rows. Takes about two reads more. */
    refine?: boolean;
}

export interface ReadProgress {
    filesDone: number;
    filesTotal: number;
    tokensDone: number;
    tokensTotal: number;
    path?: string;
    /** The files have been read and are scored again. */
    isRefining?: boolean;
    /** The files have been read, and the model's head profile is measured on them, once: the share that is done. */
    measuredShare?: number;
    /** Estimated from the speed so far. */
    secondsLeft?: number;
}

/** A function that the model may ask for. Whoever asks the engine runs it, or not. */
export interface ToolDescription {
    name: string;
    description: string;
    /** JSON schema of its arguments, an object; without it there are none. */
    parameters?: Record<string, unknown>;
}

/** The model's wish to have a tool run. */
export interface ToolCall {
    /** Of one answer. */
    id: string;
    name: string;
    /** JSON of an object, not checked against the tool's schema. */
    arguments: string;
}

/** What came of a call. */
export interface ToolResult {
    /** Of the call. */
    id: string;
    text: string;
}

export interface ChatTurn {
    role: "user" | "assistant";
    text: string;
    /** What an answer asked for, behind its text. */
    calls?: ToolCall[];
    /** Of the calls of the turn before: stands in the user's turn, before its text. */
    results?: ToolResult[];
}

/** What decides which files are seen. */
export interface ContextChoice {
    /** Always seen, in this order. */
    pinned?: string[];
    /** Named for this question (`--context`, mentions). */
    context?: string[];
    /** Open editors, the active one first. */
    open?: string[];
    /** Never seen in this question. */
    exclude?: string[];
    /** Only pinned and context files. */
    onlyNamed?: boolean;
}

export interface AskRequest {
    workspace: string;
    /** Names the session whose rows are reused: the conversation's id. */
    conversation: string;
    /**
     * Under which its rows are stored, for a conversation that its client keeps and may open again: the same in every run,
     * and of this conversation alone. Without it nothing of it is stored.
     */
    storedAs?: string;
    /** The whole conversation; the last turn is the question. */
    turns: ChatTurn[];
    choice?: ContextChoice;
    /** The user's and the repository's instructions: behind the files in the layout. */
    instructions?: string;
    maxTokens: number;
    temperature: number;
    seed?: number;
    /** GBNF. */
    grammar?: string;
    /** What the model may ask for. One that calls no tools answers without them, and says so in `notes`. */
    tools?: ToolDescription[];
    /** `required`: the answer is a call. */
    toolChoice?: "auto" | "required";
}

export interface AnswerReport {
    text: string;
    /** Generated. */
    tokens: number;
    /** From the question to the first token with the model loaded, reads included. */
    ttftMs: number;
    tokensPerSecond: number;
    attended: AttendedFile[];
    leftOut: LeftOutFile[];
    /** File tokens attended without reading them for this question. */
    reusedTokens: number;
    /** File tokens prefilled for this question. */
    readTokens: number;
    stop: "endOfText" | "maxTokens" | "windowEnd" | "stopped" | "cancelled";
    /** Reasoning of a thinking model, kept apart from the text and out of the history. */
    thought?: string;
    /** Tools that it wants run before it goes on: the next request has this answer, and a turn with their results. */
    calls?: ToolCall[];
    /** What the answer had to do without: rows of earlier turns cut, uncut fallback in use, unread files... */
    notes: string[];
    /** Tokens of the turns whose rows were there already, and those that were decoded before the answer. */
    reusedTurnTokens: number;
    decodedTurnTokens: number;
    /** Tokens of the conversation and how many of their rows are still whole. */
    conversationTokens: number;
    conversationKeptRows: number;
}

export interface CompleteRequest {
    workspace: string;
    path: string;
    /** The whole buffer. */
    text: string;
    /** UTF-16 offset of the cursor. */
    offset: number;
    choice?: ContextChoice;
    maxTokens: number;
    multiLine: "auto" | "never" | "always";
    /** Candidates wanted, at most `maxCandidates`; 1 when left out. */
    n?: number;
}

/** Candidates of one completion: more are hard to choose from, and each costs its share of every step. */
export const maxCandidates = 4;

export interface CompletionReport {
    /** The likeliest. */
    text: string;
    /**
     * Where several were asked for, those worth showing: different from each other, the likeliest first unless there is
     * nothing to show of it. May be fewer than asked for.
     */
    candidates?: string[];
    ttftMs: number;
    ms: number;
    /** Generated, of all candidates together. */
    tokens: number;
    attended: AttendedFile[];
    reusedTokens: number;
    readTokens: number;
    /** Tokens of the prompt behind the files, and those of them whose rows were there from the completion before. */
    promptTokens: number;
    reusedPromptTokens: number;
    mode: "fim" | "prefix";
    stop: AnswerReport["stop"];
}

export interface EngineStatus {
    state: "starting" | "loading" | "ready" | "busy" | "paused" | "unloaded" | "failed";
    /** What runs now, for the meter. */
    activity?: "read" | "refine" | "ask" | "complete" | "calibrate";
    error?: {code: string; message: string; fix?: string};
    model?: ModelInfo;
    /** The server that computes, when it is not this machine: then KV is the server's and the figures below are empty. */
    server?: {host: string; kind: ServerKind};
    kv: {usedBytes: number; peakBytes: number; limitBytes: number};
    /** With a problem, what is read is used as always, but not there after a restart. */
    disk: {bytes: number; limitBytes: number; problem?: EngineStatus["error"]};
    files: {known: number; resident: number; onDisk: number; attended: number; unread: number; refined: number};
    tokens: {known: number; kept: number};
    /** Of the running read. */
    progress?: ReadProgress;
    clients: number;
}

/** Of an engine that has done nothing yet, or that is not there. */
export function emptyStatus(state: EngineStatus["state"]): EngineStatus {
    return {
        state,
        kv: {usedBytes: 0, peakBytes: 0, limitBytes: 0},
        disk: {bytes: 0, limitBytes: 0},
        files: {known: 0, resident: 0, onDisk: 0, attended: 0, unread: 0, refined: 0},
        tokens: {known: 0, kept: 0},
        clients: 0,
    };
}

export interface DoctorCheck {
    id: string;
    ok: boolean;
    detail: string;
    /** What to do about it. */
    fix?: string;
}

export interface DoctorReport {
    ok: boolean;
    checks: DoctorCheck[];
    engine: {backend: string; addon: string; llamaRelease: string};
    model: Pick<
        ModelInfo,
        "path" | "architecture" | "layers" | "kvHeads" | "headDim" | "window" | "supported" | "reason"
    >;
}

export interface CalibrateReport {
    path: string;
    budgets: {share: number; perHead: number[][]}[];
    ms: number;
}

export interface CacheEntry {
    path: string;
    tokens: number;
    bytes: number;
    tier: "memory" | "disk";
    refined: boolean;
}

export interface CacheReport {
    entries: CacheEntry[];
    bytes: number;
    limitBytes: number;
}

/** Lines of a file and the mean share of their rows that was kept: the heat map. */
export interface KeptLines {
    path: string;
    /** One number in [0, 1] per line of the text that was read. */
    share: number[];
    /** Whether the text read is the one given. */
    isCurrent: boolean;
}

export interface WorkspaceUpdate {
    workspace: string;
    /** Under which name its segments are listed on disk; `workspace` when left out. An engine of several windows says it. */
    storedAs?: string;
    upsert?: SourceFile[];
    remove?: string[];
    /** Own share of rows per path; null takes it back. */
    budgets?: Record<string, number | null>;
    pinned?: string[];
    excluded?: string[];
    /** Open editors, the active one first: what the next question will probably see is loaded ahead. */
    open?: string[];
    /** Whether segments may be scored again while the machine is idle, once an answer has been given. Off until it is said. */
    refine?: boolean;
}

/** Long work takes a signal; it ends within one layer of the running batch, with the error `cancelled`. */
export interface EngineApi {
    status(): EngineStatus;
    onDidChangeStatus(listener: (status: EngineStatus) => void): () => void;
    /** Loads the model if it is not loaded, with progress in [0, 1]. */
    load(onProgress?: (share: number) => void, signal?: AbortSignal): Promise<ModelInfo>;
    /** Frees model and rows; the store stays. */
    unload(): Promise<void>;
    /** Background reading and refining. */
    pause(): void;
    resume(): void;
    updateWorkspace(update: WorkspaceUpdate): Promise<{known: number}>;
    closeWorkspace(workspace: string): Promise<void>;
    read(
        request: ReadRequest,
        onProgress?: (progress: ReadProgress) => void,
        signal?: AbortSignal,
    ): Promise<ReadReport>;
    ask(
        request: AskRequest,
        on: {
            text?: (piece: string) => void;
            thought?: (piece: string) => void;
            attended?: (files: AttendedFile[], leftOut: LeftOutFile[]) => void;
            progress?: (progress: ReadProgress) => void;
        },
        signal?: AbortSignal,
    ): Promise<AnswerReport>;
    /**
     * Forgets a conversation's rows; its text is the client's.
     * @param storedAs deletes what is stored of it too: the conversation is no more
     */
    forget(conversation: string, storedAs?: string): Promise<void>;
    complete(request: CompleteRequest, signal?: AbortSignal): Promise<CompletionReport>;
    files(workspace: string): Promise<FileStatus[]>;
    keptLines(workspace: string, path: string, text: string): Promise<KeptLines>;
    /** Tokens of a text by the model's own tokenizer. */
    countTokens(texts: string[]): Promise<number[]>;
    calibrate(
        request: {workspace: string},
        onProgress?: (share: number) => void,
        signal?: AbortSignal,
    ): Promise<CalibrateReport>;
    headProfile(): Promise<CalibrateReport | undefined>;
    doctor(): Promise<DoctorReport>;
    cacheList(): Promise<CacheReport>;
    cacheDrop(path: string): Promise<number>;
    cacheClear(): Promise<void>;
    cacheVerify(): Promise<{checked: number; bad: {path: string; reason: string}[]}>;
    dispose(): Promise<void>;
}
