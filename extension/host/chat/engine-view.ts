/** The engine and the repository as the panel shows them, from their states. Pure. */
import {errorView} from "../../core/chat/error-help.js";
import type {EngineStatus} from "../../protocol/engine.js";
import type {EngineView} from "../../protocol/webview/chat.js";
import type {ConnectionState} from "../../client/engine-client.js";

export interface EngineFacts {
    connection: ConnectionState;
    status: EngineStatus;
    isTrusted: boolean;
    hasFolder: boolean;
    known: number;
    /** The host of the server that the settings name. */
    server: string | undefined;
}

export function engineView({connection, status, isTrusted, hasFolder, known, server}: EngineFacts): EngineView {
    const files = {known, read: status.files.resident + status.files.onDisk};
    const model = status.model?.name;
    const base = {files, ...(model === undefined ? {} : {model}), ...(server === undefined ? {} : {server})};
    if (!isTrusted) return {...base, state: "untrusted"};
    if (connection.name === "failed") {
        const {code, message, fix} = connection;
        return {...base, state: "failed", error: errorView({code, message, ...(fix === undefined ? {} : {fix})})};
    }
    if (connection.name === "waiting") return {...base, state: "waiting"};
    if (connection.name === "connecting") return {...base, state: "starting"};
    if (connection.name === "connected" && status.state === "failed" && status.error !== undefined) {
        return {...base, state: "failed", error: errorView(status.error)};
    }
    if (!hasFolder) return {...base, state: "noFolder"};
    if (connection.name === "idle" || status.state === "unloaded") return {...base, state: "idle"};
    // A server is asked with the first question: until then there is nothing to wait for.
    if (status.state === "starting" && status.server !== undefined) return {...base, state: "idle"};
    if (status.state === "starting" || status.state === "loading") return {...base, state: "loading"};
    const progress = status.activity === "read" || status.state === "ready" ? status.progress : undefined;
    return {
        ...base,
        state: status.state === "paused" ? "paused" : status.state === "busy" ? "busy" : "ready",
        ...(progress === undefined ? {} : {progress}),
    };
}
