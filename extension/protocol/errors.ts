/**
 * Every failure a person can meet has a code here and one factory, so that the command line, the
 * editor and the RPC say the same thing and a script can rely on the code. Bugs are not listed: they throw.
 */

/** Stable codes: part of the command line's contract. Add, never rename. */
export type KvasirErrorCode =
    | "usage"
    | "unknown-policy"
    | "unknown-flag"
    | "model-missing"
    | "model-broken"
    | "model-unsupported"
    | "model-too-large"
    | "model-changed"
    | "model-unknown"
    | "download-failed"
    | "download-stalled"
    | "download-forbidden"
    | "download-wrong"
    | "addon-missing"
    | "addon-mismatch"
    | "file-missing"
    | "file-changed"
    | "position-outside"
    | "question-too-long"
    | "kv-limit"
    | "out-of-memory"
    | "cancelled"
    | "busy"
    | "store-corrupt"
    | "disk-full"
    | "store-read-only"
    | "cache-locked"
    | "profile-mismatch"
    | "pairs-invalid"
    | "engine-unreachable"
    | "engine-stopped"
    | "engine-version"
    | "untrusted-workspace"
    | "port-unavailable"
    | "token-wrong"
    | "request-forged"
    | "request-invalid"
    | "request-too-large"
    | "request-timeout"
    | "route-unknown"
    | "server-address"
    | "server-unreachable"
    | "server-key"
    | "server-busy"
    | "server-failed"
    | "server-garbled"
    | "server-timeout"
    | "server-model"
    | "internal";

/** The form that crosses a process boundary and that `--json` prints under `error`. */
export interface KvasirErrorData {
    code: KvasirErrorCode;
    message: string;
    fix?: string;
}

export interface KvasirErrorOptions {
    /** One sentence: the way out. Shown after the message. */
    fix?: string | undefined;
    cause?: unknown;
}

export class KvasirError extends Error {
    readonly code: KvasirErrorCode;
    /** One sentence: the way out, when there is one. */
    readonly fix: string | undefined;

    constructor(code: KvasirErrorCode, message: string, {fix, cause}: KvasirErrorOptions = {}) {
        super(message, cause === undefined ? undefined : {cause});
        this.name = "KvasirError";
        this.code = code;
        this.fix = fix;
    }

    toJSON(): KvasirErrorData {
        return this.fix === undefined
            ? {code: this.code, message: this.message}
            : {code: this.code, message: this.message, fix: this.fix};
    }

    /** Rebuilds an error that crossed a process boundary, code and fix included. */
    static fromJSON({code, message, fix}: KvasirErrorData): KvasirError {
        return new KvasirError(code, message, {fix});
    }
}

/** True for a KvasirError of this build or of another bundle in the same process (hence no instanceof). */
export function isKvasirError(error: unknown, code?: KvasirErrorCode): error is KvasirError {
    return (
        error instanceof Error &&
        error.name === "KvasirError" &&
        "code" in error &&
        (code === undefined || error.code === code)
    );
}

/** Anything thrown, as a KvasirError: unknown errors become `internal` and keep their cause. */
export function toKvasirError(error: unknown): KvasirError {
    return isKvasirError(error) ? error : internal(error);
}

/** Process exit code: 2 for wrong usage, 1 for every other failure. */
export function exitCodeOf(code: KvasirErrorCode): 1 | 2 {
    return code === "usage" || code === "unknown-flag" || code === "unknown-policy" ? 2 : 1;
}

export function usage(message: string, fix?: string): KvasirError {
    return new KvasirError("usage", message, {fix});
}

export function unknownPolicy(name: string, known: readonly string[]): KvasirError {
    return new KvasirError("unknown-policy", `no policy is called "${name}".`, {
        fix: `Choose one of: ${known.join(", ")}.`,
    });
}

export function unknownFlag(flag: string, command?: string): KvasirError {
    return new KvasirError("unknown-flag", `unknown option "${flag}".`, {
        fix: `Run \`kvasir ${command === undefined ? "" : `${command} `}--help\` for the options there are.`,
    });
}

export function modelMissing(path: string): KvasirError {
    return new KvasirError("model-missing", `there is no model file at ${path}.`, {
        fix: "Choose a model: `Kvasir: Choose Model` in the editor, `kvasir models` on the command line.",
    });
}

export function modelBroken(path: string, reason: string, cause?: unknown): KvasirError {
    return new KvasirError("model-broken", `${path} is not a readable GGUF model: ${reason}.`, {
        fix: "Download the file again; it may have been cut short.",
        cause,
    });
}

export function modelUnsupported(path: string, reason: string): KvasirError {
    return new KvasirError("model-unsupported", `${path} cannot be used: ${reason}.`, {
        fix: "Use a model with ordinary rotary attention, such as Llama, Qwen, Gemma or SmolLM.",
    });
}

export function modelTooLarge(path: string, neededBytes: number, availableBytes: number): KvasirError {
    return new KvasirError(
        "model-too-large",
        `${path} needs ${mib(neededBytes)} of memory and ${mib(availableBytes)} are free.`,
        {fix: "Choose a smaller model or a smaller quantisation."},
    );
}

export function modelChanged(path: string): KvasirError {
    return new KvasirError("model-changed", `the model file ${path} changed while it was in use.`, {
        fix: "Run the command again: files are then read anew with the new model.",
    });
}

export function modelUnknown(name: string): KvasirError {
    return new KvasirError("model-unknown", `"${name}" names no model.`, {
        fix: "Give an id of `kvasir models list`, a GGUF file, or an address such as hf:USER/REPOSITORY/FILE.gguf.",
    });
}

/** @param what the server's name and nothing else of the address, which may hold a key */
export function downloadFailed(what: string, reason: string, cause?: unknown): KvasirError {
    return new KvasirError("download-failed", `${what} could not be downloaded: ${reason}.`, {
        fix: "Check the connection and the address, then try again: what has come is kept. A file that you have already can be chosen without any network.",
        cause,
    });
}

export function downloadStalled(what: string, seconds: number): KvasirError {
    return new KvasirError("download-stalled", `nothing of ${what} has come for ${seconds} s.`, {
        fix: "Try again: what has come is kept, and the download goes on there.",
    });
}

export function downloadForbidden(what: string, status: number): KvasirError {
    return new KvasirError("download-forbidden", `the server does not give ${what} to you (HTTP ${status}).`, {
        fix: "Accept the model's licence on its page and set HF_TOKEN to a valid key of yours, or choose another model.",
    });
}

/** What came is not what was wanted; it is deleted. */
export function downloadWrong(what: string, reason: string): KvasirError {
    return new KvasirError("download-wrong", `what came for ${what} is not the model: ${reason}.`, {
        fix: "It was deleted. Try again; when it stays so, the file behind the address has changed: choose another.",
    });
}

export function addonMissing(path: string, cause?: unknown): KvasirError {
    return new KvasirError("addon-missing", `Kvasir's native addon is missing or does not load: ${path}.`, {
        fix: "Run `npm run setup`, which builds it.",
        cause,
    });
}

export function addonMismatch(reason: string): KvasirError {
    return new KvasirError("addon-mismatch", `the native addon does not fit the loaded llama.cpp: ${reason}.`, {
        fix: "Run `npm ci && npm run setup`, so that both come from the same pinned version.",
    });
}

export function fileMissing(path: string): KvasirError {
    return new KvasirError("file-missing", `there is no file ${path}.`, {
        fix: "Check the path; it is taken relative to the workspace root.",
    });
}

export function fileChanged(path: string): KvasirError {
    return new KvasirError("file-changed", `${path} changed while it was being read.`, {
        fix: "Read it again; nothing of the old content was kept.",
    });
}

export function positionOutside(path: string, line: number, column: number, reason: string): KvasirError {
    return new KvasirError("position-outside", `line ${line}, column ${column} is outside ${path}: ${reason}.`, {
        fix: "Lines and columns count from 1, columns in UTF-16 units.",
    });
}

export function questionTooLong(nTokens: number, limitTokens: number): KvasirError {
    return new KvasirError(
        "question-too-long",
        `the question has ${nTokens} tokens and the model's window leaves ${limitTokens}.`,
        {fix: "Shorten the question; name long passages as files with --context instead."},
    );
}

export function kvLimit(neededBytes: number, limitBytes: number, what: string): KvasirError {
    return new KvasirError("kv-limit", `${what} needs ${mib(neededBytes)} of the ${mib(limitBytes)} KV limit.`, {
        fix: "Raise --kv-mib, lower --budget, or attend fewer files.",
    });
}

export function outOfMemory(what: string, cause?: unknown): KvasirError {
    return new KvasirError("out-of-memory", `there was not enough memory for ${what}.`, {
        fix: "Lower --kv-mib or use a smaller model; what was read before is still there.",
        cause,
    });
}

export function cancelled(what = "the work"): KvasirError {
    return new KvasirError("cancelled", `${what} was cancelled.`);
}

export function busy(what: string): KvasirError {
    return new KvasirError("busy", `${what} is busy with another job.`, {fix: "Wait for it or cancel it."});
}

export function storeCorrupt(path: string, reason: string): KvasirError {
    return new KvasirError("store-corrupt", `the stored segment ${path} is damaged: ${reason}.`, {
        fix: "It is ignored and read again; `kvasir cache verify` removes damaged files.",
    });
}

export function diskFull(path: string, cause?: unknown): KvasirError {
    return new KvasirError("disk-full", `the disk is full: ${path} could not be written.`, {
        fix: "Free some space, or choose another folder with --cache-dir (in VS Code: kvasir.cache.folder).",
        cause,
    });
}

export function storeReadOnly(path: string, cause?: unknown): KvasirError {
    return new KvasirError("store-read-only", `the cache folder ${path} cannot be written.`, {
        fix: "Choose a writable folder with --cache-dir.",
        cause,
    });
}

export function cacheLocked(path: string, holder?: string): KvasirError {
    return new KvasirError(
        "cache-locked",
        `another process${holder === undefined ? "" : ` (${holder})`} is changing the cache in ${path}.`,
        {fix: "Try again when it has ended, or use another --cache-dir."},
    );
}

export function profileMismatch(path: string, reason: string): KvasirError {
    return new KvasirError("profile-mismatch", `the head profile ${path} does not fit the model: ${reason}.`, {
        fix: "Run `kvasir calibrate` to measure it for this model.",
    });
}

export function pairsInvalid(path: string, reason: string, cause?: unknown): KvasirError {
    return new KvasirError("pairs-invalid", `${path} holds no usable pairs: ${reason}.`, {
        fix: 'Expected {"prefix", "samples": [{"path", "text", "context": [{"path", "text"}]}]}.',
        cause,
    });
}

/** A repository without anything that a measurement could be made of. */
export function nothingToMeasure(repository: string, reason: string, fix: string): KvasirError {
    return new KvasirError("pairs-invalid", `${repository} holds nothing to measure: ${reason}.`, {fix});
}

export function engineUnreachable(reason: string, cause?: unknown): KvasirError {
    return new KvasirError("engine-unreachable", `the engine could not be started: ${reason}.`, {
        fix: "The log has the details; `Kvasir: Restart Engine` tries again.",
        cause,
    });
}

/** Said to whoever waited for something when the engine process ended. */
export function engineStopped(): KvasirError {
    return new KvasirError("engine-stopped", "the engine ended while it was at work.", {
        fix: "It is started again by itself; ask once more.",
    });
}

export function engineVersion(theirs: number, ours: number): KvasirError {
    return new KvasirError(
        "engine-version",
        `another version of Kvasir is running its engine (protocol ${theirs}, this one speaks ${ours}).`,
        {fix: "Close or reload the other windows, so that all have the same version."},
    );
}

export function untrustedWorkspace(): KvasirError {
    return new KvasirError("untrusted-workspace", "the workspace is not trusted, so Kvasir reads none of it.", {
        fix: "Trust the workspace to use it.",
    });
}

export function portUnavailable(port: number, reason: string, cause?: unknown): KvasirError {
    return new KvasirError("port-unavailable", `port ${port} of this machine cannot be listened on: ${reason}.`, {
        fix: "Give another one with --port N, or --port 0 for any that is free.",
        cause,
    });
}

export function tokenWrong(): KvasirError {
    return new KvasirError("token-wrong", "the request does not carry the token of this server.", {
        fix: "Send `Authorization: Bearer TOKEN` with the token that `kvasir serve` printed or was given.",
    });
}

/** A request that a web page has a browser send, or that reached us under a name that is not this machine's. */
export function requestForged(reason: string): KvasirError {
    return new KvasirError("request-forged", `the request is refused: ${reason}.`, {
        fix: "Call the server as http://127.0.0.1:PORT from a program of this machine.",
    });
}

export function requestInvalid(reason: string, fix?: string): KvasirError {
    return new KvasirError("request-invalid", reason, {fix});
}

export function requestTooLarge(limitBytes: number): KvasirError {
    return new KvasirError("request-too-large", `the request is larger than ${mib(limitBytes)}.`, {
        fix: "Name files in `context` instead of sending their text, or raise --max-body-mib.",
    });
}

export function requestTimeout(limitMs: number): KvasirError {
    return new KvasirError("request-timeout", `the request took longer than ${Math.round(limitMs / 1000)} s.`, {
        fix: "Ask for fewer tokens or fewer files, or raise --timeout.",
    });
}

export function routeUnknown(method: string, path: string): KvasirError {
    return new KvasirError("route-unknown", `there is no ${method} ${path}.`, {
        fix: "There are GET /v1/models, POST /v1/chat/completions and POST /v1/completions.",
    });
}

/** A client of the API asks for another model than the one that runs. */
export function modelNotServed(name: string, known: readonly string[]): KvasirError {
    return new KvasirError("model-unknown", `no model is called "${name}".`, {fix: `There is ${known.join(", or ")}.`});
}

/** The address of an engine's server is not one that we call. */
export function serverAddress(reason: string): KvasirError {
    return new KvasirError("server-address", `the server's address cannot be used: ${reason}.`, {
        fix: "Give it as https://HOST/v1, or http://127.0.0.1:PORT/v1 for a server of this machine.",
    });
}

export function serverUnreachable(host: string, reason: string, cause?: unknown): KvasirError {
    return new KvasirError("server-unreachable", `${host} cannot be reached: ${reason}.`, {
        fix: "Check the address and whether the server runs; nothing was sent elsewhere.",
        cause,
    });
}

export function serverKey(host: string, status: number): KvasirError {
    return new KvasirError("server-key", `${host} does not accept the key (${status}).`, {
        fix: "Set a valid one: `Kvasir: Set Server Key` in VS Code, KVASIR_SERVER_KEY for the command line.",
    });
}

export function serverBusy(host: string, retryAfterMs: number | undefined): KvasirError {
    const after = retryAfterMs === undefined ? "Try again later." : `Try again in ${Math.ceil(retryAfterMs / 1000)} s.`;
    return new KvasirError("server-busy", `${host} has too many requests (429), after several tries.`, {fix: after});
}

/** @param reason the server's own words, shortened */
export function serverFailed(host: string, status: number, reason: string): KvasirError {
    return new KvasirError("server-failed", `${host} answered ${status}${reason === "" ? "" : `: ${reason}`}.`, {
        fix:
            status >= 500
                ? "Its log has the reason; try again when it is well."
                : "Check the model and the kind of server.",
    });
}

export function serverGarbled(host: string, reason: string): KvasirError {
    return new KvasirError("server-garbled", `the answer of ${host} cannot be used: ${reason}.`, {
        fix: "Check that the address is the API of an OpenAI-compatible server, and that no proxy stands before it.",
    });
}

export function serverTimeout(host: string, waitedMs: number): KvasirError {
    return new KvasirError("server-timeout", `${host} has said nothing for ${Math.round(waitedMs / 1000)} s.`, {
        fix: "It may be loading or overloaded; try again, or ask over fewer files.",
    });
}

export function serverModel(host: string, name: string, known: readonly string[]): KvasirError {
    return new KvasirError("server-model", `${host} has no model "${name}".`, {
        fix: known.length === 0 ? "It names no model at all." : `It has: ${known.slice(0, 10).join(", ")}.`,
    });
}

/** For what should not have happened: keeps the cause, whose stack goes to the log. */
export function internal(cause: unknown): KvasirError {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new KvasirError("internal", reason === "" ? "an unexpected error." : reason, {
        fix: "This is a bug in Kvasir; the log has the details.",
        cause,
    });
}

function mib(bytes: number): string {
    return `${Math.ceil(bytes / 2 ** 20)} MiB`;
}
