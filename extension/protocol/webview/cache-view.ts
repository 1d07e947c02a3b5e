/** What the cache view and the extension say to each other. */
import * as z from "zod";
import {calibrateReport, engineStatus, fileStatus, path} from "../rpc-schemas.js";
import {notice, question, type WebviewProtocol} from "./messages.js";

/** What can be done with files of the list. `exclude` asks the person first, `chooseBudget` lets them choose. */
export const fileActions = [
    "open",
    "pin",
    "unpin",
    "chooseBudget",
    "readAgain",
    "drop",
    "exclude",
    "include",
    "heatMap",
] as const;
export type FileAction = (typeof fileActions)[number];

/** What the page offers to do about reading, and as the next step after an error. */
export const engineActions = [
    "connect",
    "pause",
    "resume",
    "cancelReading",
    "readAll",
    "rescan",
    "restart",
    "doctor",
    "chooseModel",
    "showLog",
    "showSkipped",
    "openFolder",
    "manageTrust",
    "openSettings",
] as const;
export type EngineAction = (typeof engineActions)[number];

/** Where everything stands, apart from the files. */
const cacheState = z.object({
    /** Undefined before the engine has said anything. */
    engine: engineStatus.optional(),
    connection: z.object({
        name: z.enum(["idle", "connecting", "connected", "waiting", "failed"]),
        /** Why it waits or has failed, and the way out. */
        message: z.string().optional(),
        fix: z.string().optional(),
    }),
    sync: z.object({
        name: z.enum(["none", "scanning", "sending", "synced", "untrusted"]),
        known: z.number(),
        skipped: z.number(),
    }),
    /** Share of rows kept where a file has none of its own. */
    budget: z.number(),
    excluded: z.array(z.string()),
});
export type CacheState = z.infer<typeof cacheState>;

/** What reading the active file again costs: each edit costs this file alone. */
const editCost = z.object({
    path: z.string(),
    /** Of the text as it is in the editor now. */
    tokens: z.number(),
    /** Of the text whose rows are kept; undefined when there are none. */
    readTokens: z.number().optional(),
    /** The rows that are kept are those of the text in the editor. */
    isCurrent: z.boolean(),
    /** At the speed of the last reads, when one was seen. */
    seconds: z.number().optional(),
    /** What the last edit of this file did cost. */
    last: z.object({tokens: z.number(), seconds: z.number()}).optional(),
});
export type EditCost = z.infer<typeof editCost>;

export const cacheViewProtocol = {
    toHost: {
        /** The page has loaded and listens. */
        ready: notice(z.object({})),
        /** Answers when it is done; a person may have said no. */
        actOnFiles: question(
            z.object({action: z.enum(fileActions), paths: z.array(path).min(1).max(10_000)}),
            z.object({isDone: z.boolean()}),
        ),
        /** Its own share of rows; null takes it back. */
        setBudget: question(
            z.object({path, share: z.number().gt(0).lte(1).nullable()}),
            z.object({isDone: z.boolean()}),
        ),
        actOnEngine: question(z.object({action: z.enum(engineActions)}), z.object({isDone: z.boolean()})),
        /** The share of a budget that each head gets; null when it is not known yet. */
        headProfile: question(z.object({}), z.object({profile: calibrateReport.nullable()})),
        /** Measures the head profile on this workspace; takes minutes. */
        calibrate: question(z.object({}), z.object({profile: calibrateReport})),
    },
    toWebview: {
        /** The editor's language: English texts and what they are called there. Said first. */
        texts: notice(z.record(z.string(), z.string())),
        state: notice(cacheState),
        /** Files that are new or differ from the last message; with `isWhole` they replace all. */
        files: notice(z.object({isWhole: z.boolean(), changed: z.array(fileStatus), removed: z.array(z.string())})),
        /** Null when no file of the workspace is being edited. */
        editCost: notice(editCost.nullable()),
        calibrating: notice(z.object({share: z.number()})),
        /** Brings a file into view. */
        reveal: notice(z.object({path: z.string()})),
    },
} as const satisfies WebviewProtocol;

export type CacheViewProtocol = typeof cacheViewProtocol;
