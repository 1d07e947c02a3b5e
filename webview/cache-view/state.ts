/** Owns the state of the cache view's page: what the extension said and what the person chose. Pure. */
import type {CalibrateReport, FileStatus} from "../../extension/protocol/engine.js";
import type {KvasirErrorData} from "../../extension/protocol/errors.js";
import type {CacheState, EditCost} from "../../extension/protocol/webview/cache-view.js";

export const tabs = ["files", "map", "folders", "heads"] as const;
export type Tab = (typeof tabs)[number];

export const columns = ["path", "tokens", "kept", "bytes", "tier", "refined", "seen", "hits"] as const;
export type Column = (typeof columns)[number];

export const filters = ["all", "attended", "memory", "disk", "known", "pinned", "unread"] as const;
export type Filter = (typeof filters)[number];

/** What the person chose; kept while the page is hidden and over a reload. */
export interface Chosen {
    readonly tab: Tab;
    readonly sort: {readonly column: Column; readonly isDescending: boolean};
    readonly filter: Filter;
    readonly search: string;
    /** Folder that the map shows; "" for all. */
    readonly folder: string;
    readonly selected: string | undefined;
    /** Which of the head profile's budgets is shown; undefined for the one in force. */
    readonly profileShare: number | undefined;
}

/** The head profile arrives when its tab is opened. */
export type ProfileState =
    | {readonly name: "unasked" | "loading" | "none"}
    | {readonly name: "measuring"; readonly share: number}
    | {readonly name: "failed"; readonly error: KvasirErrorData}
    | {readonly name: "ready"; readonly report: CalibrateReport};

export interface PageState {
    readonly chosen: Chosen;
    /** Undefined until the extension has sent the list. */
    readonly files: ReadonlyMap<string, FileStatus> | undefined;
    readonly cache: CacheState | undefined;
    readonly editCost: EditCost | undefined;
    readonly profile: ProfileState;
    /** Files with an action under way. */
    readonly busy: ReadonlySet<string>;
    /** The last action that failed, until the next one or until it is put away. */
    readonly error: KvasirErrorData | undefined;
}

export type Action =
    | {readonly name: "files"; isWhole: boolean; changed: readonly FileStatus[]; removed: readonly string[]}
    | {readonly name: "cache"; cache: CacheState}
    | {readonly name: "editCost"; editCost: EditCost | undefined}
    | {readonly name: "profile"; profile: ProfileState}
    | {readonly name: "choose"; chosen: Partial<Chosen>}
    | {readonly name: "sort"; column: Column}
    | {readonly name: "begin"; paths: readonly string[]}
    | {readonly name: "end"; paths: readonly string[]; error?: KvasirErrorData}
    | {readonly name: "dismissError"};

const firstChosen: Chosen = {
    tab: "files",
    sort: {column: "bytes", isDescending: true},
    filter: "all",
    search: "",
    folder: "",
    selected: undefined,
    profileShare: undefined,
};

/** @param kept what `Chosen` was when the page was last there; anything else is ignored */
export function initialState(kept?: unknown): PageState {
    return {
        chosen: chosenFrom(kept),
        files: undefined,
        cache: undefined,
        editCost: undefined,
        profile: {name: "unasked"},
        busy: new Set(),
        error: undefined,
    };
}

export function reduce(state: PageState, action: Action): PageState {
    switch (action.name) {
        case "files":
            return withFiles(state, action);
        case "cache":
            return {...state, cache: action.cache};
        case "editCost":
            return {...state, editCost: action.editCost};
        case "profile":
            return {...state, profile: action.profile};
        case "choose":
            return {...state, chosen: {...state.chosen, ...action.chosen}};
        case "sort":
            return {...state, chosen: {...state.chosen, sort: sortedBy(state.chosen.sort, action.column)}};
        case "begin":
            return {...state, busy: new Set([...state.busy, ...action.paths]), error: undefined};
        case "end":
            return {
                ...state,
                busy: new Set([...state.busy].filter((path) => !action.paths.includes(path))),
                error: action.error ?? state.error,
            };
        case "dismissError":
            return {...state, error: undefined};
    }
}

function withFiles(state: PageState, {isWhole, changed, removed}: Extract<Action, {name: "files"}>): PageState {
    const files = new Map(isWhole ? [] : state.files);
    for (const file of changed) files.set(file.path, file);
    for (const path of removed) files.delete(path);
    const {selected} = state.chosen;
    // A file that has gone cannot stay selected; the place in the list is kept by the view.
    const isGone = selected !== undefined && !files.has(selected);
    return {...state, files, chosen: isGone ? {...state.chosen, selected: undefined} : state.chosen};
}

/** Names are read from A, numbers from the largest; the same column again turns the order. */
function sortedBy(sort: Chosen["sort"], column: Column): Chosen["sort"] {
    if (sort.column === column) return {column, isDescending: !sort.isDescending};
    return {column, isDescending: column !== "path" && column !== "tier"};
}

function chosenFrom(kept: unknown): Chosen {
    if (typeof kept !== "object" || kept === null) return firstChosen;
    const {tab, sort, filter, search, folder} = kept as Partial<Record<keyof Chosen, unknown>>;
    const {column, isDescending} = (typeof sort === "object" && sort !== null ? sort : {}) as Partial<Chosen["sort"]>;
    return {
        ...firstChosen,
        ...(isOneOf(tabs, tab) ? {tab} : {}),
        ...(isOneOf(filters, filter) ? {filter} : {}),
        ...(isOneOf(columns, column) && typeof isDescending === "boolean" ? {sort: {column, isDescending}} : {}),
        ...(typeof search === "string" ? {search} : {}),
        ...(typeof folder === "string" ? {folder} : {}),
    };
}

function isOneOf<T>(all: readonly T[], value: unknown): value is T {
    return all.includes(value as T);
}
