import {describe, expect, test} from "vitest";
import type {FileStatus} from "../../../extension/protocol/engine.js";
import type {CacheState} from "../../../extension/protocol/webview/cache-view.js";
import {noticeOf} from "../../../webview/cache-view/notice.js";
import {fileStatus} from "./sample-files.js";

const engine: NonNullable<CacheState["engine"]> = {
    state: "ready",
    kv: {usedBytes: 0, peakBytes: 0, limitBytes: 0},
    disk: {bytes: 0, limitBytes: 0},
    files: {known: 0, resident: 0, onDisk: 0, attended: 0, unread: 0, refined: 0},
    tokens: {known: 0, kept: 0},
    clients: 1,
};
const usual: CacheState = {
    engine,
    connection: {name: "connected"},
    sync: {name: "synced", known: 2, skipped: 0},
    budget: 0.25,
    excluded: [],
};
const read = [fileStatus("a"), fileStatus("b", {tier: "disk"})];
const unread = read.map((file): FileStatus => ({...file, tier: "known", keptRows: 0, bytes: 0}));
const notice = (change: Partial<CacheState>, files: FileStatus[] | undefined = read) =>
    noticeOf({
        cache: {...usual, ...change},
        files: files === undefined ? undefined : new Map(files.map((file) => [file.path, file])),
    });
const steps = (change: Partial<CacheState>, files?: FileStatus[]) =>
    notice(change, files)?.steps.map(({action}) => action) ?? [];

describe("what the page says before its numbers", () => {
    test("nothing when all is well", () => {
        expect(notice({})).toBeUndefined();
        expect(notice({engine: {...engine, state: "busy", activity: "ask"}})).toBeUndefined();
    });

    test("nothing more than to wait before the extension has said anything", () => {
        expect(noticeOf({cache: undefined, files: undefined})?.kind).toBe("busy");
    });

    test.each<[string, Partial<CacheState>, string]>([
        ["an untrusted workspace", {sync: {name: "untrusted", known: 0, skipped: 0}}, "manageTrust"],
        ["no folder", {sync: {name: "none", known: 0, skipped: 0}}, "openFolder"],
        ["an engine that was not started", {connection: {name: "idle"}}, "connect"],
        ["a model that is unloaded", {engine: {...engine, state: "unloaded"}}, "connect"],
        ["an engine that does not run", {connection: {name: "failed", message: "it ended."}}, "connect"],
        [
            "a model that is missing",
            {engine: {...engine, state: "failed", error: {code: "model-missing", message: "no file."}}},
            "chooseModel",
        ],
        ["reading that is paused", {engine: {...engine, state: "paused"}}, "resume"],
    ])("%s has its next step", (_, change, action) => {
        expect(steps(change)[0]).toBe(action);
    });

    test("an error names its cause and the way out", () => {
        const said = notice({connection: {name: "failed", message: "it ended three times.", fix: "Run the Doctor."}});
        expect(said).toMatchObject({kind: "error", text: "It ended three times. Run the Doctor."});
    });

    test("no model yet is no failure, but a first step", () => {
        const said = notice({
            engine: {...engine, state: "failed", error: {code: "model-missing", message: "no file."}},
        });
        expect(said).toMatchObject({kind: "info", title: "No model yet"});
    });

    test("files that are there and none read: what reading is for, and a button", () => {
        expect(steps({}, unread)).toEqual(["readAll"]);
        const progress = {filesDone: 0, filesTotal: 2, tokensDone: 0, tokensTotal: 9};
        expect(notice({engine: {...engine, progress}}, unread)).toBeUndefined();
    });

    test("nothing that can be read: what was left out", () => {
        expect(steps({}, [])).toEqual(["showSkipped", "rescan"]);
        expect(notice({sync: {name: "scanning", known: 0, skipped: 0}}, [])?.kind).toBe("busy");
    });

    test("the gravest comes first", () => {
        expect(
            steps({
                connection: {name: "failed", message: "gone."},
                engine: {...engine, state: "paused", error: {code: "model-broken", message: "bad."}},
            }),
        ).toEqual(["connect", "doctor", "showLog"]);
    });
});
