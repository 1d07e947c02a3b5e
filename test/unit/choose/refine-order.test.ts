import fc from "fast-check";
import {describe, expect, test} from "vitest";
import {refineOrder, type RefineCandidate} from "../../../extension/core/choose/refine-order.js";

const file = (path: string, more: Partial<RefineCandidate> = {}): RefineCandidate => ({
    path,
    hits: 0,
    isPinned: false,
    ...more,
});
const paths = (files: RefineCandidate[]) => refineOrder(files).map(({path}) => path);

describe("what is refined next", () => {
    test("files that a question saw, then pinned ones, then open ones, then the rest", () => {
        const files = [
            file("rest.ts", {mtimeMs: 9}),
            file("open.ts", {openPlace: 1}),
            file("pinned.ts", {isPinned: true}),
            file("active.ts", {openPlace: 0}),
            file("seen.ts", {hits: 1, lastAttendedMs: 5}),
        ];
        expect(paths(files)).toEqual(["seen.ts", "pinned.ts", "active.ts", "open.ts", "rest.ts"]);
    });

    test("of those that were seen the last seen first, of those the most often seen", () => {
        const files = [
            file("early.ts", {hits: 9, lastAttendedMs: 1, openPlace: 0}),
            file("once.ts", {hits: 1, lastAttendedMs: 7}),
            file("often.ts", {hits: 4, lastAttendedMs: 7}),
        ];
        expect(paths(files)).toEqual(["often.ts", "once.ts", "early.ts"]);
    });

    test("of the rest the last changed first, then by path", () => {
        const files = [file("b.ts"), file("old.ts", {mtimeMs: 1}), file("a.ts"), file("new.ts", {mtimeMs: 2})];
        expect(paths(files)).toEqual(["new.ts", "old.ts", "a.ts", "b.ts"]);
    });

    test("nobody is lost, and the order of the list does not matter", () => {
        const candidate = fc.record({
            path: fc.string({minLength: 1, maxLength: 4}),
            hits: fc.nat(3),
            isPinned: fc.boolean(),
            lastAttendedMs: fc.option(fc.nat(3), {nil: undefined}),
            openPlace: fc.option(fc.nat(3), {nil: undefined}),
            mtimeMs: fc.option(fc.nat(3), {nil: undefined}),
        });
        fc.assert(
            fc.property(fc.uniqueArray(candidate, {selector: ({path}) => path, maxLength: 12}), (files) => {
                const order = paths(files);
                expect(order.toSorted()).toEqual(files.map(({path}) => path).toSorted());
                expect(paths(files.toReversed())).toEqual(order);
                const isSeen = refineOrder(files).map(({lastAttendedMs}) => lastAttendedMs !== undefined);
                expect(isSeen).toEqual(isSeen.toSorted((a, b) => Number(b) - Number(a)));
            }),
            {seed: 20_261_126},
        );
    });
});
