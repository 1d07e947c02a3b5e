/**
 * Owns the engine whose model is on a server: EngineApi by the OpenAI API of the one server that the user named. Choosing and
 * layout are ours; KV is the server's, so there is nothing to read, cut or store, and nothing of it is claimed.
 */
import {filePositions} from "../../core/layout/chat-layout.js";
import {FileOrder} from "../../core/layout/file-order.js";
import {distinctTexts} from "../../core/completion/branches.js";
import {fimWindow} from "../../core/layout/fim-window.js";
import {estimatedConversation, estimatedTokens, serverTools} from "../../core/layout/remote-prompt.js";
import type {
    AnswerReport,
    AskRequest,
    AttendedFile,
    CompleteRequest,
    CompletionReport,
    DoctorReport,
    EngineApi,
    EngineSettings,
    EngineStatus,
    ModelInfo,
    RemoteServer,
} from "../../protocol/engine.js";
import {KvasirError, cancelled, questionTooLong, toKvasirError} from "../../protocol/errors.js";
import {type ChosenPart, choose} from "../chooser.js";
import {fileStatuses} from "../file-status.js";
import {KnownWorkspace} from "../workspace/known-workspace.js";
import {remoteAnswer} from "./remote-answer.js";
import {RemoteCompleter} from "./remote-completion.js";
import {addressOf} from "./server-address.js";
import {type ServerFacts, countTokens, factsOf} from "./server-facts.js";
import {ServerHttp, type ServerWaits} from "./server-http.js";

/** Of the window, what files may take; the rest is for the conversation and its answer. */
const maxFilesShare = 0.6;
/** The same for a completion, whose first token should come soon. */
const maxCompletionFilesTokens = 2048;
/** The template's own tokens, and what an estimate may be short of. */
const spareTokens = 64;

/** @throws KvasirError `server-address` */
export function createRemoteEngine(settings: EngineSettings, server: RemoteServer, waits?: ServerWaits): EngineApi {
    // Somebody's variable from a day of debugging must not make every certificate good.
    delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
    return new RemoteEngine(settings, server, new ServerHttp(addressOf(server), server.apiKey, waits));
}

interface Connected {
    facts: ServerFacts;
    info: ModelInfo;
    completer: RemoteCompleter;
}

class RemoteEngine implements EngineApi {
    readonly #workspaces = new Map<string, KnownWorkspace>();
    readonly #orders = new Map<string, FileOrder>();
    readonly #listeners = new Set<(status: EngineStatus) => void>();
    #connecting: Promise<Connected> | undefined;
    #connected: Connected | undefined;
    #error: EngineStatus["error"];
    readonly #running = {ask: 0, complete: 0};

    constructor(
        private readonly settings: EngineSettings,
        private readonly server: RemoteServer,
        private readonly http: ServerHttp,
    ) {}

    status(): EngineStatus {
        let [known, attended, knownTokens] = [0, 0, 0];
        for (const workspace of this.#workspaces.values()) {
            known += workspace.files.size;
            attended += workspace.nAttended;
            knownTokens += workspace.knownTokens;
        }
        const activity = this.#running.complete > 0 ? "complete" : this.#running.ask > 0 ? "ask" : undefined;
        return {
            state: this.#error ? "failed" : this.#connected === undefined ? "starting" : activity ? "busy" : "ready",
            ...(activity === undefined ? {} : {activity}),
            ...(this.#error === undefined ? {} : {error: this.#error}),
            ...(this.#connected === undefined ? {} : {model: this.#connected.info}),
            server: {host: this.http.host, kind: this.#connected?.facts.kind ?? this.server.kind},
            kv: {usedBytes: 0, peakBytes: 0, limitBytes: 0},
            disk: {bytes: 0, limitBytes: 0},
            files: {known, resident: 0, onDisk: 0, attended, unread: 0, refined: 0},
            tokens: {known: knownTokens, kept: 0},
            clients: 1,
        };
    }

    onDidChangeStatus(listener: (status: EngineStatus) => void): () => void {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
    }

    async load(_onProgress?: (share: number) => void, signal?: AbortSignal): Promise<ModelInfo> {
        return (await orAborted(this.#connect(), signal)).info;
    }

    async unload(): Promise<void> {
        this.#connecting = this.#connected = this.#error = undefined;
        this.#changed();
    }

    pause(): void {}
    resume(): void {}

    async updateWorkspace(update: Parameters<EngineApi["updateWorkspace"]>[0]): Promise<{known: number}> {
        const workspace = this.#workspace(update.workspace);
        workspace.update(update);
        this.#changed();
        return {known: workspace.files.size};
    }

    async closeWorkspace(name: string): Promise<void> {
        this.#workspaces.delete(name);
        for (const what of ["ask", "complete"]) this.#orders.delete(`${what} ${name}`);
        this.#changed();
    }

    /** The server reads with the question. */
    async read(): ReturnType<EngineApi["read"]> {
        return {files: [], skipped: [], totals: {tokens: 0, bytes: 0, fullBytes: 0, ms: 0}};
    }

    async ask(request: AskRequest, on: Parameters<EngineApi["ask"]>[1], signal?: AbortSignal): Promise<AnswerReport> {
        const {facts} = await orAborted(this.#connect(), signal);
        const startMs = performance.now();
        const workspace = this.#workspace(request.workspace);
        const {turns} = request;
        const tools = facts.callsTools ? (request.tools ?? []) : [];
        const described = tools.length === 0 ? "" : JSON.stringify(serverTools(tools));
        const nTurns = estimatedConversation(turns, request.instructions ?? "", described);
        const room = facts.window - nTurns - spareTokens;
        // The estimate is on the high side: who is above it by little may still fit, and the server has the last word.
        if (room < -facts.window / 4) throw questionTooLong(nTurns, facts.window);
        const budgetTokens = Math.max(
            0,
            Math.min(this.settings.attendedTokens, facts.window * maxFilesShare, room * 0.75),
        );
        const chosen = choose(workspace, {choice: request.choice, budgetTokens: Math.floor(budgetTokens), turns});
        const files = this.#texts(workspace, chosen.parts);
        const attended = attendedOf(chosen.parts);
        on.attended?.(attended, chosen.leftOut);
        workspace.markAttended(attended.map(({path}) => path));
        const fileTokens = attended.reduce((sum, {tokens}) => sum + tokens, 0);
        const answer = await this.#counted("ask", () =>
            remoteAnswer(
                this.http,
                facts,
                {
                    request: {...request, tools},
                    files,
                    parts: request.instructions === undefined ? {} : {userInstructions: request.instructions},
                    maxTokens: Math.max(
                        1,
                        Math.min(request.maxTokens, room - fileTokens > 16 ? room - fileTokens : request.maxTokens),
                    ),
                },
                on,
                signal,
            ),
        );
        const reusedTokens = Math.min(fileTokens, answer.cachedTokens ?? 0);
        // Files stand before the turns, so what the cache had beyond them it had of the turns.
        const turnTokens = Math.max(0, (answer.promptTokens ?? nTurns + fileTokens) - fileTokens);
        const reusedTurnTokens = Math.min(turnTokens, (answer.cachedTokens ?? 0) - reusedTokens);
        const decodeMs = answer.endMs - (answer.firstMs ?? answer.endMs);
        return {
            text: answer.text,
            ...(answer.calls.length === 0 ? {} : {calls: answer.calls}),
            ...(answer.thought === "" ? {} : {thought: answer.thought}),
            tokens: answer.nTokens,
            ttftMs: (answer.firstMs ?? answer.endMs) - startMs,
            tokensPerSecond: answer.nTokens > 1 && decodeMs > 0 ? ((answer.nTokens - 1) / decodeMs) * 1000 : 0,
            attended,
            leftOut: chosen.leftOut,
            reusedTokens,
            readTokens: fileTokens - reusedTokens,
            stop: answer.stop,
            notes: [
                ...answer.notes,
                ...(answer.cachedTokens === undefined && fileTokens > 0
                    ? ["The server does not say what its cache had: all tokens of files count as read."]
                    : []),
                ...((request.tools?.length ?? 0) > tools.length
                    ? ["The server's model has no tools in its template: it was asked without them."]
                    : []),
                ...(facts.isWindowKnown ? [] : ["The server does not tell its window: 8192 tokens are assumed."]),
            ],
            reusedTurnTokens,
            decodedTurnTokens: turnTokens - reusedTurnTokens,
            conversationTokens: turnTokens + answer.nTokens,
            conversationKeptRows: turnTokens + answer.nTokens,
        };
    }

    async forget(): Promise<void> {}

    async complete(request: CompleteRequest, signal?: AbortSignal): Promise<CompletionReport> {
        const {completer} = await orAborted(this.#connect(), signal);
        const startMs = performance.now();
        const workspace = this.#workspace(request.workspace);
        const {textBefore, textAfter} = fimWindow(request.text, request.offset, estimatedTokens);
        const chosen = choose(workspace, {
            choice: request.choice,
            budgetTokens: Math.min(this.settings.attendedTokens, maxCompletionFilesTokens),
            current: {path: request.path, textBeforeCursor: textBefore},
        });
        const attended = attendedOf(chosen.parts);
        workspace.markAttended(attended.map(({path}) => path));
        const files = this.#order(request.workspace, "complete").arrange(
            chosen.parts.map(({path, index}) => ({path, text: workspace.parts(path)[index]!.text})),
        );
        const done = await this.#counted("complete", () =>
            completer.complete(request, {textBefore, textAfter, files}, signal),
        );
        const fileTokens = attended.reduce((sum, {tokens}) => sum + tokens, 0);
        const cached = done.last?.usage?.prompt_tokens_details?.cached_tokens ?? done.last?.timings?.cache_n ?? 0;
        const reusedTokens = Math.min(fileTokens, cached);
        const {usage, timings} = done.last ?? {};
        const told = usage?.prompt_tokens ?? (timings?.prompt_n ?? 0) + (timings?.cache_n ?? 0);
        const promptTokens = told > fileTokens ? told - fileTokens : estimatedTokens(textBefore + textAfter);
        const now = performance.now();
        return {
            text: done.text,
            // A server's own `n` takes others by chance, and refuses without it: the likeliest is the one there is.
            ...((request.n ?? 1) > 1 ? {candidates: distinctTexts([done.text])} : {}),
            ttftMs: (done.firstMs ?? now) - startMs,
            ms: now - startMs,
            tokens: done.nTokens,
            attended,
            reusedTokens,
            readTokens: fileTokens - reusedTokens,
            promptTokens,
            reusedPromptTokens: Math.min(promptTokens, cached - reusedTokens),
            mode: done.mode,
            stop: done.stop,
        };
    }

    async files(name: string): ReturnType<EngineApi["files"]> {
        return fileStatuses(undefined, this.#workspace(name));
    }

    async keptLines(_workspace: string, path: string): ReturnType<EngineApi["keptLines"]> {
        return {path, share: [], isCurrent: false};
    }

    async countTokens(texts: string[]): Promise<number[]> {
        const {facts} = await this.#connect();
        return countTokens(this.http, facts, texts);
    }

    async calibrate(): Promise<never> {
        throw new KvasirError("usage", "a server's model has no head profile here: its KV is its own.", {
            fix: "Calibrate local models only.",
        });
    }

    async headProfile(): Promise<undefined> {
        return undefined;
    }

    async doctor(): Promise<DoctorReport> {
        const checks: DoctorReport["checks"] = [];
        let kind = this.server.kind;
        let connected: Connected | undefined;
        try {
            this.#connecting = undefined;
            connected = await this.#connect();
            const {window, isWindowKnown, model} = connected.facts;
            kind = connected.facts.kind;
            checks.push({id: "server", ok: true, detail: `${this.http.host} answers as ${kind}, with ${model}`});
            checks.push({
                id: "window",
                ok: true,
                detail: isWindowKnown ? `${window} tokens` : `not told; ${window} tokens are assumed`,
                ...(isWindowKnown ? {} : {fix: "Choose the kind of server that it is, if it is one of those listed."}),
            });
        } catch (error) {
            const {code, message, fix} = toKvasirError(error);
            checks.push({id: "server", ok: false, detail: `${code}: ${message}`, ...(fix === undefined ? {} : {fix})});
        }
        const info = connected?.info;
        return {
            ok: checks.every(({ok}) => ok),
            checks,
            engine: {backend: `server (${kind})`, addon: "not used", llamaRelease: "not used"},
            model: {
                path: info?.path ?? this.server.baseUrl,
                architecture: info?.architecture ?? "",
                layers: 0,
                kvHeads: 0,
                headDim: 0,
                window: info?.window ?? 0,
                supported: info !== undefined,
            },
        };
    }

    async cacheList(): ReturnType<EngineApi["cacheList"]> {
        return {entries: [], bytes: 0, limitBytes: 0};
    }

    async cacheDrop(): Promise<number> {
        return 0;
    }

    async cacheClear(): Promise<void> {}

    async cacheVerify(): ReturnType<EngineApi["cacheVerify"]> {
        return {checked: 0, bad: []};
    }

    async dispose(): Promise<void> {
        this.#listeners.clear();
        this.#workspaces.clear();
    }

    /** What the server is; asked once, and again after a failure. */
    #connect(): Promise<Connected> {
        if (this.#connecting !== undefined) return this.#connecting;
        this.#error = undefined;
        const connecting = factsOf(this.http, this.server).then((facts) => ({
            facts,
            info: this.#infoOf(facts),
            completer: new RemoteCompleter(this.http, facts.kind, facts.model),
        }));
        this.#connecting = connecting;
        connecting.then(
            (connected) => {
                if (this.#connecting === connecting) this.#connected = connected;
                this.#changed();
            },
            (error: unknown) => {
                if (this.#connecting !== connecting) return;
                this.#connecting = this.#connected = undefined;
                this.#error = toKvasirError(error).toJSON();
                this.#changed();
            },
        );
        return connecting;
    }

    #infoOf({kind, model, window, callsTools}: ServerFacts): ModelInfo {
        return {
            path: this.server.baseUrl,
            name: model,
            architecture: kind,
            layers: 0,
            heads: 0,
            kvHeads: 0,
            headDim: 0,
            window,
            supported: true,
            hasChatTemplate: true,
            hasFim: kind === "llama-server",
            callsTools,
            headProfile: "none",
            weightsBytes: 0,
        };
    }

    #workspace(name: string): KnownWorkspace {
        let workspace = this.#workspaces.get(name);
        if (workspace === undefined) {
            // Only lengths count here: nothing is decoded on this side.
            const tokenize = (text: string) => new Uint32Array(estimatedTokens(text));
            const window = this.#connected?.facts.window ?? Infinity;
            workspace = new KnownWorkspace(name, tokenize, filePositions(window));
            this.#workspaces.set(name, workspace);
        }
        return workspace;
    }

    #texts(workspace: KnownWorkspace, parts: readonly ChosenPart[]): {text: string}[] {
        return this.#order(workspace.name, "ask").arrange(
            parts.map(({path, index}) => {
                const {header, text} = workspace.parts(path)[index]!;
                return {text: `${header}${text}\n\n`};
            }),
        );
    }

    /** Completions have prompts of their own, so their order is theirs. */
    #order(workspace: string, what: "ask" | "complete"): FileOrder {
        const key = `${what} ${workspace}`;
        let order = this.#orders.get(key);
        if (order === undefined) this.#orders.set(key, (order = new FileOrder()));
        return order;
    }

    async #counted<T>(what: "ask" | "complete", work: () => Promise<T>): Promise<T> {
        this.#running[what]++;
        this.#changed();
        try {
            return await work();
        } finally {
            this.#running[what]--;
            this.#changed();
        }
    }

    #changed(): void {
        const status = this.#listeners.size === 0 ? undefined : this.status();
        if (status) for (const listener of this.#listeners) listener(status);
    }
}

/** Who gives up does not end what others wait for. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    if (signal === undefined) return work;
    let abort = () => {};
    const aborted = new Promise<never>((_, reject) => {
        abort = () => reject(cancelled("the request"));
        if (signal.aborted) abort();
        else signal.addEventListener("abort", abort, {once: true});
    });
    return Promise.race([work, aborted]).finally(() => signal.removeEventListener("abort", abort));
}

/** One entry for each file; its rows are all kept, by the server. */
function attendedOf(parts: readonly ChosenPart[]): AttendedFile[] {
    const files = new Map<string, AttendedFile>();
    for (const {path, nTokens, why, detail} of parts) {
        const file = files.get(path) ?? {path, tokens: 0, keptRows: 0, why, detail};
        file.tokens += nTokens;
        file.keptRows += nTokens;
        files.set(path, file);
    }
    return [...files.values()];
}
