/**
 * Owns what the status bar says of the engine: one short text, a table for the tooltip, and a sentence for screen
 * readers. Pure: it is given the states and the translation.
 */
import type {EngineStatus, ReadProgress} from "../../protocol/engine.js";
import type {ConnectionState} from "../../client/engine-client.js";
import type {SyncState} from "../workspace/workspace-files.js";

export type Translate = (message: string, ...args: (string | number)[]) => string;

export interface MeterInput {
    status: EngineStatus;
    connection: ConnectionState;
    sync: SyncState;
    isPaused: boolean;
    /** Settings that another window holds at another value. */
    differing: readonly string[];
}

export interface Meter {
    text: string;
    /** For screen readers: no icons. */
    label: string;
    rows: [name: string, value: string][];
    /** One sentence above the table. */
    headline: string;
    kind: "normal" | "warning" | "error";
    /** What a click leads to. */
    next: "cacheView" | "doctor" | "chooseModel";
}

export function meterOf({status, connection, sync, isPaused, differing}: MeterInput, t: Translate): Meter {
    const {headline, icon, kind} = withDisk(stateOf(status, connection, sync, isPaused, t), status, t);
    const {usedBytes, limitBytes} = status.kv;
    const percent = limitBytes > 0 ? (usedBytes / limitBytes) * 100 : 0;
    const share = percent > 0 && percent < 1 ? "< 1" : Math.round(percent);
    const rows: Meter["rows"] = [];
    if (status.model !== undefined) rows.push([t("Model"), status.model.name]);
    if (status.server !== undefined) rows.push([t("KV is kept by the server"), status.server.host]);
    if (limitBytes > 0) {
        rows.push([t("Memory for what is kept"), t("{0} of {1} ({2} %)", mib(usedBytes), mib(limitBytes), share)]);
    }
    if (hasNoModel(status)) rows.push([t("Looked for"), status.error?.message ?? ""]);
    rows.push([t("Files known"), String(Math.max(sync.known, status.files.known))]);
    if (status.model !== undefined) {
        if (status.server === undefined) rows.push([t("Files in memory"), String(status.files.resident)]);
        rows.push([t("Files attended"), String(status.files.attended)]);
        if (status.files.refined > 0) rows.push([t("Files refined"), String(status.files.refined)]);
        rows.push([t("Tokens known"), thousands(status.tokens.known)]);
        if (status.disk.limitBytes > 0) {
            rows.push([t("On disk"), t("{0} of {1}", mib(status.disk.bytes), mib(status.disk.limitBytes))]);
        }
    }
    if (sync.skipped > 0) rows.push([t("Not read (ignored, secret, not text)"), String(sync.skipped)]);
    if (status.clients > 1) rows.push([t("Windows on this engine"), String(status.clients)]);
    if (differing.length > 0) rows.push([t("Set by another window"), differing.join(", ")]);
    const isMeasured = status.model !== undefined && limitBytes > 0;
    return {
        text: isMeasured
            ? `$(${icon}) ${mib(usedBytes)}/${mib(limitBytes)}`
            : status.server === undefined
              ? `$(${icon}) Kvasir`
              : `$(${icon}) ${t("KV on server")}`,
        label: isMeasured
            ? t("Kvasir: {0} {1} of {2} used, {3} files.", headline, mib(usedBytes), mib(limitBytes), sync.known)
            : status.server === undefined
              ? t("Kvasir: {0}", headline)
              : t("Kvasir: {0} KV is kept by {1}.", headline, status.server.host),
        rows,
        headline,
        kind,
        next: hasNoModel(status)
            ? "chooseModel"
            : kind === "error" || status.disk.problem !== undefined
              ? "doctor"
              : "cacheView",
    };
}

/** The first thing that a stranger meets, which the picker mends. */
export function hasNoModel({error}: EngineStatus): boolean {
    return error?.code === "model-missing";
}

interface State {
    headline: string;
    icon: string;
    kind: Meter["kind"];
}

/** Questions are answered all the same, so it is said behind what goes on. */
function withDisk(state: State, {disk}: EngineStatus, t: Translate): State {
    if (disk.problem === undefined || state.kind !== "normal") return state;
    const {message, fix} = disk.problem;
    const headline = `${state.headline} ${t("What is read is not stored: {0}", sentence(message, fix))}`;
    return {headline, icon: "warning", kind: "warning"};
}

function stateOf(
    status: EngineStatus,
    connection: ConnectionState,
    sync: SyncState,
    isPaused: boolean,
    t: Translate,
): State {
    const normal = (headline: string, icon: string) => ({headline, icon, kind: "normal" as const});
    if (sync.name === "untrusted") {
        return {headline: t("The workspace is not trusted: nothing is read."), icon: "shield", kind: "warning"};
    }
    switch (connection.name) {
        case "failed":
            return {headline: sentence(connection.message, connection.fix), icon: "error", kind: "error"};
        case "waiting":
            return {headline: t("The engine ended and is started again."), icon: "sync~spin", kind: "warning"};
        case "idle":
            return normal(t("The engine starts with the first question."), "circle-outline");
        case "connecting":
            return normal(t("The engine is starting."), "sync~spin");
        case "connected":
            break;
    }
    if (hasNoModel(status))
        return {headline: t("No model yet: click to choose one."), icon: "cloud-download", kind: "warning"};
    if (status.error !== undefined) {
        return {headline: sentence(status.error.message, status.error.fix), icon: "error", kind: "error"};
    }
    switch (status.activity) {
        case "ask":
            return normal(t("Answering."), "sync~spin");
        case "complete":
            return normal(t("Completing."), "sync~spin");
        case "read":
            return normal(t("Reading the workspace."), "sync~spin");
        case "refine":
            return normal(t("Reading again for better quality."), "sync~spin");
        case "calibrate":
            return normal(t("Measuring the model."), "sync~spin");
        case undefined:
            break;
    }
    if (status.state === "loading") return normal(t("Loading the model."), "sync~spin");
    if (status.state === "unloaded") return normal(t("The model is unloaded until it is needed."), "circle-outline");
    if (isPaused || status.state === "paused") return normal(t("Reading is paused."), "debug-pause");
    return normal(t("Ready."), "layers");
}

/** What the reading item says, or undefined when nothing is read. */
export function readingText(
    progress: ReadProgress | undefined,
    t: Translate,
): {text: string; label: string} | undefined {
    if (progress === undefined || progress.filesTotal === 0) return undefined;
    const {filesDone, filesTotal, tokensDone, tokensTotal, secondsLeft, measuredShare} = progress;
    if (measuredShare !== undefined) {
        const percent = Math.floor(measuredShare * 100);
        return {
            text: `$(dashboard) ${percent} %`,
            label: t("Kvasir measures once what each head of this model needs: {0} %", percent),
        };
    }
    const left = secondsLeft === undefined ? "" : ` · ${t("{0} left", duration(secondsLeft, t))}`;
    return {
        text: `$(book) ${filesDone}/${filesTotal}${left}`,
        label: t(
            "Kvasir reads: {0} of {1} files, {2} of {3} tokens{4}",
            filesDone,
            filesTotal,
            thousands(tokensDone),
            thousands(tokensTotal),
            left,
        ),
    };
}

function duration(seconds: number, t: Translate): string {
    if (seconds < 60) return t("{0} s", Math.max(1, Math.round(seconds)));
    if (seconds < 3600) return t("{0} min", Math.round(seconds / 60));
    return t("{0} h", (seconds / 3600).toFixed(1));
}

/** Bytes for people: MiB up to one GiB, then GiB. */
export function mib(bytes: number): string {
    const inMib = bytes / 2 ** 20;
    return inMib < 1024 ? `${Math.round(inMib)} MiB` : `${(inMib / 1024).toFixed(1)} GiB`;
}

export function thousands(n: number): string {
    if (n < 10_000) return String(Math.round(n));
    return n < 1_000_000 ? `${Math.round(n / 1000)}k` : `${(n / 1_000_000).toFixed(1)}M`;
}

function sentence(message: string, fix: string | undefined): string {
    return `${message.charAt(0).toUpperCase()}${message.slice(1)}${fix === undefined ? "" : ` ${fix}`}`;
}
