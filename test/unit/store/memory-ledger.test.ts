import fc from "fast-check";
import {describe, expect, test} from "vitest";
import {memoryKinds, MemoryLedger, type Reservation} from "../../../extension/engine/store/memory-ledger.js";

describe("the ledger", () => {
    test("counts by kind and says no with a code", () => {
        const ledger = new MemoryLedger(100);
        const segments = ledger.reserve("segments", 30);
        const compute = ledger.reserve("compute", 60);
        expect(ledger.report()).toEqual({
            limitBytes: 100,
            usedBytes: 90,
            byKind: {segments: 30, regions: 0, workspace: 0, compute: 60},
        });
        expect(() => ledger.reserve("regions", 11)).toThrow(expect.objectContaining({code: "kv-limit"}));
        expect(() => compute.resize(71)).toThrow(expect.objectContaining({code: "kv-limit"}));
        expect(compute.bytes).toBe(60);
        compute.resize(70);
        expect(ledger.freeBytes).toBe(0);
        segments.release();
        segments.release();
        expect(ledger.report().byKind).toEqual({segments: 0, regions: 0, workspace: 0, compute: 70});
        expect(() => segments.resize(1)).toThrow(/released/);
        compute.resize(0);
        expect(ledger.usedBytes).toBe(0);
    });

    test("refuses what is no number of bytes", () => {
        for (const bytes of [-1, 0.5, NaN, Infinity, 2 ** 53]) {
            expect(() => new MemoryLedger(10).reserve("segments", bytes)).toThrow(RangeError);
            expect(() => new MemoryLedger(bytes)).toThrow(RangeError);
        }
    });

    test("evicts only as much as is needed, in order, and nothing for what can never fit", () => {
        const ledger = new MemoryLedger(100);
        const held = ["a", "b", "c"].map((name) => ({name, reservation: ledger.reserve("segments", 30)}));
        const gone: string[] = [];
        ledger.addEvictor(() => {
            const first = held.shift();
            if (first === undefined) return false;
            gone.push(first.name);
            first.reservation.release();
            return true;
        });
        expect(() => ledger.reserve("regions", 101)).toThrow(expect.objectContaining({code: "kv-limit"}));
        expect(gone).toEqual([]);
        ledger.reserve("regions", 10);
        expect(gone).toEqual([]);
        ledger.reserve("regions", 31);
        expect(gone).toEqual(["a", "b"]);
        expect(() => ledger.reserve("regions", 90)).toThrow(expect.objectContaining({code: "kv-limit"}));
        expect(ledger.usedBytes).toBe(41);
    });

    test("asks the evictors in order and goes on when one has nothing", () => {
        const ledger = new MemoryLedger(10);
        const first = ledger.reserve("segments", 6);
        const second = ledger.reserve("segments", 4);
        const asked: string[] = [];
        ledger.addEvictor(() => (asked.push("empty"), false));
        ledger.addEvictor(() => {
            asked.push("full");
            if (first.bytes > 0) first.release();
            else second.release();
            return true;
        });
        ledger.reserve("workspace", 7);
        expect(asked).toEqual(["empty", "full", "empty", "full"]);
        expect(ledger.usedBytes).toBe(7);
    });

    test("is exact and never above its limit, under any order", () => {
        const step = fc.record({
            act: fc.constantFrom("reserve", "resize", "release"),
            kind: fc.constantFrom(...memoryKinds),
            bytes: fc.nat(120),
            which: fc.nat(1000),
            isEvictable: fc.boolean(),
        });
        fc.assert(
            fc.property(fc.array(step, {maxLength: 120}), (steps) => {
                const ledger = new MemoryLedger(100);
                const live = new Set<Reservation>();
                const evictable: Reservation[] = [];
                ledger.addEvictor(() => {
                    const oldest = evictable.shift();
                    if (oldest === undefined) return false;
                    live.delete(oldest);
                    oldest.release();
                    return true;
                });
                for (const {act, kind, bytes, which, isEvictable} of steps) {
                    const pick = [...live][which % Math.max(1, live.size)];
                    try {
                        if (act === "reserve") {
                            const made = ledger.reserve(kind, bytes);
                            live.add(made);
                            if (isEvictable) evictable.push(made);
                        } else if (pick !== undefined && act === "resize") {
                            if (!evictable.includes(pick)) pick.resize(bytes);
                        } else if (pick !== undefined) {
                            live.delete(pick);
                            if (evictable.includes(pick)) evictable.splice(evictable.indexOf(pick), 1);
                            pick.release();
                        }
                    } catch (error) {
                        expect(error).toMatchObject({code: "kv-limit"});
                        // It said no although everything that may go has gone, or the wish was hopeless.
                        if (bytes <= 100) expect(evictable).toEqual([]);
                    }
                    const sum = (of: string): number =>
                        [...live].filter((one) => one.kind === of).reduce((total, one) => total + one.bytes, 0);
                    const {byKind, usedBytes} = ledger.report();
                    for (const of of memoryKinds) expect(byKind[of]).toBe(sum(of));
                    expect(usedBytes).toBe(memoryKinds.reduce((total, of) => total + byKind[of], 0));
                    expect(usedBytes).toBeLessThanOrEqual(100);
                }
            }),
            {numRuns: 400, seed: 7},
        );
    });
});
