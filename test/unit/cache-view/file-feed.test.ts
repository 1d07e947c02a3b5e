import {afterEach, beforeEach, describe, expect, test, vi} from "vitest";
import {fileChanges} from "../../../extension/host/cache-view/file-changes.js";
import {FileFeed} from "../../../extension/host/cache-view/file-feed.js";
import type {FileStatus} from "../../../extension/protocol/engine.js";
import {fileStatus} from "./sample-files.js";

const byPath = (files: FileStatus[]) => new Map(files.map((file) => [file.path, file]));

const gaps = (times: number[]) => times.slice(1).map((time, at) => time - (times[at] ?? 0));

describe("what differs from the list before", () => {
    test("new and changed files, and those that are gone", () => {
        const before = byPath([fileStatus("a"), fileStatus("b"), fileStatus("c", {budget: 0.5})]);
        const now = [fileStatus("a"), fileStatus("b", {hits: 1}), fileStatus("c"), fileStatus("d")];
        expect(fileChanges(before, now)).toEqual({
            changed: [fileStatus("b", {hits: 1}), fileStatus("c"), fileStatus("d")],
            removed: [],
        });
        expect(fileChanges(before, [fileStatus("a")])).toEqual({changed: [], removed: ["b", "c"]});
    });
});

describe("when the list is asked for", () => {
    beforeEach(() => void vi.useFakeTimers());
    afterEach(() => void vi.useRealTimers());

    function setUp({isWanted = true, listMs = 0} = {}) {
        const asked: number[] = [];
        const got: FileStatus[][] = [];
        const errors: unknown[] = [];
        let failure: Error | undefined;
        const feed = new FileFeed({
            list: async () => {
                asked.push(Date.now());
                await new Promise((resolve) => setTimeout(resolve, listMs));
                if (failure !== undefined) throw failure;
                return [fileStatus("a")];
            },
            isWanted: () => isWanted,
            onList: (files) => got.push(files),
            onError: (error) => errors.push(error),
            now: () => Date.now(),
        });
        return {feed, asked, got, errors, fail: (error: Error | undefined) => (failure = error)};
    }

    test("at once the first time, then twice a second, and after the last change again", async () => {
        const {feed, asked, got} = setUp();
        for (let ms = 0; ms < 1000; ms += 10) {
            feed.refresh();
            await vi.advanceTimersByTimeAsync(10);
        }
        await vi.advanceTimersByTimeAsync(2000);
        expect(asked).toHaveLength(3);
        for (const gap of gaps(asked)) expect(gap).toBeGreaterThanOrEqual(500);
        expect(got).toHaveLength(3);
    });

    test("a list that takes long is asked for seldom", async () => {
        const {feed, asked} = setUp({listMs: 300});
        for (let ms = 0; ms < 9000; ms += 50) {
            feed.refresh();
            await vi.advanceTimersByTimeAsync(50);
        }
        expect(asked.length).toBeGreaterThanOrEqual(3);
        for (const gap of gaps(asked)) expect(gap).toBeGreaterThanOrEqual(10 * 300);
    });

    test("never while nobody looks", async () => {
        const {feed, asked} = setUp({isWanted: false});
        feed.refresh();
        await vi.advanceTimersByTimeAsync(5000);
        expect(asked).toHaveLength(0);
    });

    test("again after it failed", async () => {
        const {feed, got, errors, fail} = setUp();
        fail(new Error("gone"));
        feed.refresh();
        await vi.advanceTimersByTimeAsync(1000);
        fail(undefined);
        feed.refresh();
        await vi.advanceTimersByTimeAsync(1000);
        expect(errors).toHaveLength(1);
        expect(got).toHaveLength(1);
    });

    test("no more once it has ended", async () => {
        const {feed, asked} = setUp();
        feed.refresh();
        feed.dispose();
        await vi.advanceTimersByTimeAsync(1000);
        expect(asked).toHaveLength(0);
    });
});
