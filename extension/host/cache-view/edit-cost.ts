/**
 * Owns what an edit of the active file costs: before, the tokens of its text, since a changed file is read again and no
 * other is; after, what that took. Pure: it is told what happens and when.
 */
import type {EngineStatus, FileStatus} from "../../protocol/engine.js";
import type {EditCost} from "../../protocol/webview/cache-view.js";

export interface EditCostState {
    /** Undefined when no file of the workspace is being edited. */
    readonly active?: ActiveFile;
    /** Of the last read that told how long it still takes. */
    readonly tokensPerSecond?: number;
    /** What edits did cost, by path. */
    readonly last: Readonly<Record<string, {tokens: number; seconds: number}>>;
}

interface ActiveFile {
    readonly path: string;
    /** Of the text in the editor. */
    readonly tokens: number;
    readonly status?: FileStatus;
    /** When the text last changed; undefined when its rows are those of the text. Epoch ms. */
    readonly editedAtMs?: number;
    /** The engine has said that the new text has no rows yet. */
    readonly isUnread: boolean;
    /** When the engine was first seen reading since the edit. */
    readonly readFromMs?: number;
}

export type EditCostEvent =
    | {readonly name: "active"; path: string | undefined; tokens: number}
    | {readonly name: "edited"; path: string; nowMs: number}
    | {readonly name: "files"; files: ReadonlyMap<string, FileStatus>; nowMs: number}
    | {readonly name: "status"; status: EngineStatus; nowMs: number};

export const noEditCost: EditCostState = {last: {}};

/** A re-read can pass between two looks at the list; after this time rows that are there are those of the text. */
const surelySeenMs = 10_000;

export function editCostAfter(state: EditCostState, event: EditCostEvent): EditCostState {
    const {active} = state;
    switch (event.name) {
        case "active": {
            const {path, tokens} = event;
            if (path === undefined) return withoutActive(state);
            return {...state, active: active?.path === path ? {...active, tokens} : {path, tokens, isUnread: false}};
        }
        case "edited":
            if (active?.path !== event.path) return state;
            return {...state, active: {...withoutRead(active), editedAtMs: event.nowMs, isUnread: false}};
        case "status":
            return onStatus(state, event);
        case "files":
            return onFiles(state, event);
    }
}

function onStatus(
    state: EditCostState,
    {status: {progress, activity}, nowMs}: Extract<EditCostEvent, {name: "status"}>,
): EditCostState {
    const left = progress === undefined ? 0 : progress.tokensTotal - progress.tokensDone;
    const seconds = progress?.secondsLeft ?? 0;
    const next = left > 0 && seconds > 0 ? {...state, tokensPerSecond: left / seconds} : state;
    const {active} = next;
    if (activity !== "read" || active?.editedAtMs === undefined || active.readFromMs !== undefined) return next;
    return {...next, active: {...active, readFromMs: nowMs}};
}

function onFiles(state: EditCostState, {files, nowMs}: Extract<EditCostEvent, {name: "files"}>): EditCostState {
    const {active, last} = state;
    const status = active === undefined ? undefined : files.get(active.path);
    if (active === undefined || status === undefined) return state;
    const {editedAtMs, isUnread, readFromMs} = active;
    const isRead = status.tier !== "known";
    if (editedAtMs === undefined) return {...state, active: {...active, status}};
    if (!isRead) return {...state, active: {...active, status, isUnread: true}};
    const wasSeen = isUnread || status.tokens !== active.status?.tokens;
    if (!wasSeen && nowMs - editedAtMs < surelySeenMs) return {...state, active: {...active, status}};
    const {path, tokens} = active;
    const settled = {path, tokens, status, isUnread: false};
    if (!wasSeen || readFromMs === undefined) return {...state, active: settled};
    const seconds = (nowMs - readFromMs) / 1000;
    return {...state, active: settled, last: {...last, [path]: {tokens: status.tokens, seconds}}};
}

function withoutActive({last, tokensPerSecond}: EditCostState): EditCostState {
    return tokensPerSecond === undefined ? {last} : {last, tokensPerSecond};
}

function withoutRead({path, tokens, status, isUnread}: ActiveFile): ActiveFile {
    return status === undefined ? {path, tokens, isUnread} : {path, tokens, isUnread, status};
}

/** What the page shows. */
export function editCostOf({active, tokensPerSecond, last}: EditCostState): EditCost | null {
    if (active === undefined) return null;
    const {path, tokens, status, editedAtMs} = active;
    const isRead = status !== undefined && status.tier !== "known";
    const paid = last[path];
    return {
        path,
        tokens,
        ...(isRead ? {readTokens: status.tokens} : {}),
        isCurrent: isRead && editedAtMs === undefined,
        ...(tokensPerSecond === undefined ? {} : {seconds: tokens / tokensPerSecond}),
        ...(paid === undefined ? {} : {last: paid}),
    };
}
