import {describe, expect, test} from "vitest";
import {
    editCostAfter,
    type EditCostEvent,
    editCostOf,
    noEditCost,
} from "../../../extension/host/cache-view/edit-cost.js";
import type {EngineStatus, FileStatus} from "../../../extension/protocol/engine.js";
import {fileStatus} from "./sample-files.js";

const status = (change: Partial<EngineStatus>): EngineStatus => ({
    state: "ready",
    kv: {usedBytes: 0, peakBytes: 0, limitBytes: 0},
    disk: {bytes: 0, limitBytes: 0},
    files: {known: 0, resident: 0, onDisk: 0, attended: 0, unread: 0, refined: 0},
    tokens: {known: 0, kept: 0},
    clients: 1,
    ...change,
});
const active = (path: string | undefined, tokens = 0): EditCostEvent => ({name: "active", path, tokens});
const edited = (nowMs: number): EditCostEvent => ({name: "edited", path: "a.ts", nowMs});
const files = (nowMs: number, change: Partial<FileStatus>): EditCostEvent => ({
    name: "files",
    files: new Map([["a.ts", fileStatus("a.ts", change)]]),
    nowMs,
});
const reading = (nowMs: number): EditCostEvent => ({name: "status", status: status({activity: "read"}), nowMs});
const cost = (...events: EditCostEvent[]) => editCostOf(events.reduce(editCostAfter, noEditCost));

describe("what an edit costs, before it is made", () => {
    test("nothing without a file", () => {
        expect(cost()).toBeNull();
        expect(cost(active("a.ts", 10), active(undefined))).toBeNull();
    });

    test("the tokens of the text, in seconds once a read was seen", () => {
        const progress = {filesDone: 1, filesTotal: 3, tokensDone: 1000, tokensTotal: 4000, secondsLeft: 10};
        expect(cost(active("a.ts", 120))).toEqual({path: "a.ts", tokens: 120, isCurrent: false});
        expect(
            cost(
                {name: "status", status: status({activity: "read", progress}), nowMs: 0},
                active("a.ts", 120),
                files(0, {tokens: 110}),
            ),
        ).toEqual({path: "a.ts", tokens: 120, readTokens: 110, isCurrent: true, seconds: 0.4});
    });
});

describe("and after", () => {
    const before = [active("a.ts", 100), files(0, {tokens: 100})];

    test("the rows are not those of the text until it is read again", () => {
        expect(cost(...before, edited(1000))).toMatchObject({isCurrent: false, readTokens: 100});
        expect(cost(...before, edited(1000), files(1500, {tokens: 100}))).toMatchObject({isCurrent: false});
        const unread = cost(...before, edited(1000), files(1500, {tokens: 104, tier: "known"}));
        expect(unread).toEqual({path: "a.ts", tokens: 100, isCurrent: false});
    });

    test("what it took, from the start of the read", () => {
        expect(
            cost(
                ...before,
                edited(1000),
                active("a.ts", 104),
                files(1500, {tokens: 104, tier: "known"}),
                reading(3000),
                reading(3200),
                files(3500, {tokens: 104}),
            ),
        ).toEqual({
            path: "a.ts",
            tokens: 104,
            readTokens: 104,
            isCurrent: true,
            last: {tokens: 104, seconds: 0.5},
        });
    });

    test("a read between two looks is seen by its tokens", () => {
        expect(cost(...before, edited(1000), reading(1200), files(1500, {tokens: 104}))).toMatchObject({
            isCurrent: true,
            last: {tokens: 104, seconds: 0.3},
        });
    });

    test("an edit that was undone, or a read that nobody saw, costs nothing that is told", () => {
        const undone = cost(...before, edited(1000), files(20_000, {tokens: 100}));
        expect(undone).toEqual({path: "a.ts", tokens: 100, readTokens: 100, isCurrent: true});
    });

    test("is remembered when another file was active meanwhile", () => {
        const there = [...before, edited(1000), reading(1200), files(1500, {tokens: 104})];
        expect(cost(...there, active("b.ts", 5), active("a.ts", 104))).toMatchObject({
            last: {tokens: 104, seconds: 0.3},
        });
    });
});
