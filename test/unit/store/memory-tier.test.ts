import fc from "fast-check";
import {describe, expect, test} from "vitest";
import {MemoryLedger} from "../../../extension/engine/store/memory-ledger.js";
import {MemoryTier, type Pin, type Resident} from "../../../extension/engine/store/memory-tier.js";

class Value implements Resident {
    nDisposed = 0;
    constructor(
        readonly bytes: number,
        private readonly onDispose: () => void = () => undefined,
    ) {}
    dispose(): void {
        this.nDisposed++;
        this.onDispose();
    }
}

function tierOf(limitBytes: number): {ledger: MemoryLedger; tier: MemoryTier<string, Value>; evicted: string[]} {
    const ledger = new MemoryLedger(limitBytes);
    const evicted: string[] = [];
    return {ledger, evicted, tier: new MemoryTier<string, Value>({ledger, onEvict: (key) => evicted.push(key)})};
}

describe("the memory tier", () => {
    test("evicts the least recently used for whoever needs room", () => {
        const {ledger, tier, evicted} = tierOf(100);
        const values = ["a", "b", "c"].map((key) => {
            const value = new Value(30);
            tier.set(key, value);
            return value;
        });
        expect(tier.get("a")).toBe(values[0]);
        const regions = ledger.reserve("regions", 40);
        expect(evicted).toEqual(["b"]);
        expect(values.map((value) => value.nDisposed)).toEqual([0, 1, 0]);
        tier.set("d", new Value(50));
        expect(evicted).toEqual(["b", "c", "a"]);
        expect(ledger.report().byKind).toMatchObject({segments: 50, regions: 40});
        regions.release();
        expect(tier.size).toBe(1);
    });

    test("whoever only looks does not keep a value from being evicted", () => {
        const {ledger, tier, evicted} = tierOf(100);
        const values = ["a", "b"].map((key) => {
            const value = new Value(40);
            tier.set(key, value);
            return value;
        });
        expect(tier.peek("a")).toBe(values[0]);
        expect(tier.peek("none")).toBeUndefined();
        ledger.reserve("regions", 50);
        expect(evicted).toEqual(["a"]);
        expect(tier.pin("b")?.value).toBe(tier.peek("b"));
    });

    test("a value that takes another's place takes its place in the order too", () => {
        const {ledger, tier, evicted} = tierOf(120);
        const values = ["a", "b"].map((key) => {
            const value = new Value(40);
            tier.set(key, value);
            return value;
        });
        const better = new Value(30);
        expect(tier.replace("a", better)).toBe(true);
        expect(values[0]!.nDisposed).toBe(1);
        expect(tier.peek("a")).toBe(better);
        expect(ledger.usedBytes).toBe(70);
        // It is still the least recently used one.
        ledger.reserve("regions", 60);
        expect(evicted).toEqual(["a"]);
        expect([better.nDisposed, values[1]!.nDisposed]).toEqual([1, 0]);
        const nobodys = new Value(1);
        expect(tier.replace("a", nobodys)).toBe(false);
        expect(nobodys.nDisposed).toBe(0);
    });

    test("what is replaced while pinned stays until its last pin goes; others see the new one at once", () => {
        const {ledger, tier} = tierOf(100);
        const [first, second] = [new Value(40), new Value(30)];
        tier.set("a", first);
        const pin = tier.pin("a")!;
        expect(tier.replace("a", second)).toBe(true);
        expect([pin.value, tier.get("a")]).toEqual([first, second]);
        expect(first.nDisposed).toBe(0);
        expect(ledger.usedBytes).toBe(70);
        pin.release();
        expect([first.nDisposed, second.nDisposed]).toEqual([1, 0]);
        expect(ledger.usedBytes).toBe(30);
    });

    test("never evicts what is pinned", () => {
        const {ledger, tier, evicted} = tierOf(100);
        const value = new Value(60);
        tier.set("a", value);
        const [first, second] = [tier.pin("a"), tier.pin("a")] as [Pin<Value>, Pin<Value>];
        expect(() => tier.set("b", new Value(50))).toThrow(expect.objectContaining({code: "kv-limit"}));
        first.release();
        first.release();
        expect(() => tier.set("b", new Value(50))).toThrow(expect.objectContaining({code: "kv-limit"}));
        expect(value.nDisposed).toBe(0);
        expect(tier.entries()).toEqual([{key: "a", bytes: 60, isPinned: true}]);
        second.release();
        tier.set("b", new Value(50));
        expect(evicted).toEqual(["a"]);
        expect(value.nDisposed).toBe(1);
        expect(ledger.usedBytes).toBe(50);
        expect(tier.pin("a")).toBeUndefined();
    });

    test("what is removed or replaced while pinned lives until its last pin goes", () => {
        const {ledger, tier} = tierOf(100);
        const [old, next] = [new Value(40), new Value(30)];
        tier.set("a", old);
        const pin = tier.pin("a");
        tier.set("a", next);
        expect(tier.get("a")).toBe(next);
        expect(old.nDisposed).toBe(0);
        expect(ledger.usedBytes).toBe(70);
        pin?.release();
        expect(old.nDisposed).toBe(1);
        expect(tier.get("a")).toBe(next);
        const again = tier.pin("a");
        expect(tier.delete("a")).toBe(true);
        expect(tier.delete("a")).toBe(false);
        expect(tier.has("a")).toBe(false);
        expect(ledger.usedBytes).toBe(30);
        again?.release();
        expect([next.nDisposed, ledger.usedBytes]).toEqual([1, 0]);
    });

    test("takes over a reservation made before the memory was allocated", () => {
        const {ledger, tier} = tierOf(100);
        const reservation = ledger.reserve("segments", 70);
        expect(() => tier.set("a", new Value(69), reservation)).toThrow(RangeError);
        tier.set("a", new Value(70), reservation);
        expect(ledger.usedBytes).toBe(70);
        tier.clear();
        expect(ledger.usedBytes).toBe(0);
    });

    test("a value that is refused stays the caller's", () => {
        const {ledger, tier} = tierOf(10);
        const value = new Value(11);
        expect(() => tier.set("a", value)).toThrow(expect.objectContaining({code: "kv-limit"}));
        expect([value.nDisposed, tier.size, ledger.usedBytes]).toEqual([0, 0, 0]);
    });

    test("a dispose that throws is told, and its bytes count as free", () => {
        const ledger = new MemoryLedger(100);
        const told: [string, unknown][] = [];
        const tier = new MemoryTier<string, Value>({ledger, onDisposeError: (key, error) => told.push([key, error])});
        const failure = new Error("device lost");
        tier.set(
            "a",
            new Value(80, () => {
                throw failure;
            }),
        );
        tier.set("b", new Value(80));
        expect(told).toEqual([["a", failure]]);
        expect(ledger.usedBytes).toBe(80);
        expect(tier.has("b")).toBe(true);
    });

    test("holds any number of values of no bytes", () => {
        const {ledger, tier} = tierOf(0);
        for (let n = 0; n < 50; n++) tier.set(`${n}`, new Value(0));
        expect([tier.size, ledger.usedBytes]).toEqual([50, 0]);
    });

    test("agrees with a plain list under any order of calls", () => {
        const limit = 100;
        const step = fc.record({
            act: fc.constantFrom("set", "get", "pin", "unpin", "delete", "reserve", "release", "clear"),
            key: fc.constantFrom("a", "b", "c", "d", "e"),
            bytes: fc.nat(70),
            which: fc.nat(100),
        });
        fc.assert(
            fc.property(fc.array(step, {maxLength: 150}), (steps) => {
                const {ledger, tier} = tierOf(limit);
                // The reference: free keys from least to most recently used, and every value with its number of pins.
                const order: string[] = [];
                const current = new Map<string, Value>();
                const nPins = new Map<Value, number>();
                const pins: {key: string; value: Value; pin: Pin<Value>}[] = [];
                const others: {bytes: number; release: () => void}[] = [];
                const pinsOf = (value: Value): number => nPins.get(value) ?? 0;
                const forget = (key: string): void => {
                    current.delete(key);
                    if (order.includes(key)) order.splice(order.indexOf(key), 1);
                };
                const alive = (): Value[] => [...new Set([...current.values(), ...pins.map(({value}) => value)])];
                const used = (): number => [...alive(), ...others].reduce((sum, {bytes}) => sum + bytes, 0);
                const makeRoom = (bytes: number): boolean => {
                    if (bytes > limit) return false;
                    while (used() + bytes > limit) {
                        const oldest = order[0];
                        if (oldest === undefined) return false;
                        forget(oldest);
                    }
                    return true;
                };
                const made: Value[] = [];
                for (const {act, key, bytes, which} of steps) {
                    const value = current.get(key);
                    if (act === "set") {
                        const fresh = new Value(bytes);
                        if (makeRoom(bytes)) {
                            tier.set(key, fresh);
                            made.push(fresh);
                            forget(key);
                            current.set(key, fresh);
                            order.push(key);
                        } else {
                            expect(() => tier.set(key, fresh)).toThrow(expect.objectContaining({code: "kv-limit"}));
                        }
                    } else if (act === "get") {
                        expect(tier.get(key)).toBe(value);
                        if (order.includes(key)) order.push(...order.splice(order.indexOf(key), 1));
                    } else if (act === "pin") {
                        const pin = tier.pin(key);
                        expect(pin?.value).toBe(value);
                        if (pin !== undefined && value !== undefined) {
                            pins.push({key, value, pin});
                            nPins.set(value, pinsOf(value) + 1);
                            if (order.includes(key)) order.splice(order.indexOf(key), 1);
                        }
                    } else if (act === "unpin" && pins.length > 0) {
                        const [{key: pinned, value: held, pin}] = pins.splice(which % pins.length, 1) as [
                            (typeof pins)[0],
                        ];
                        pin.release();
                        nPins.set(held, pinsOf(held) - 1);
                        if (pinsOf(held) === 0 && current.get(pinned) === held) order.push(pinned);
                    } else if (act === "delete") {
                        expect(tier.delete(key)).toBe(value !== undefined);
                        forget(key);
                    } else if (act === "reserve") {
                        if (makeRoom(bytes)) others.push(ledger.reserve("regions", bytes));
                        else
                            expect(() => ledger.reserve("regions", bytes)).toThrow(
                                expect.objectContaining({code: "kv-limit"}),
                            );
                    } else if (act === "release" && others.length > 0) {
                        others.splice(which % others.length, 1)[0]?.release();
                    } else if (act === "clear" && which < 10) {
                        tier.clear();
                        for (const name of [...current.keys()]) forget(name);
                    }
                    expect(ledger.usedBytes).toBe(used());
                    expect(ledger.usedBytes).toBeLessThanOrEqual(limit);
                    expect(tier.size).toBe(current.size);
                    const living = new Set(alive());
                    for (const one of made) expect(one.nDisposed).toBe(living.has(one) ? 0 : 1);
                    const free = tier.entries().filter(({isPinned}) => !isPinned);
                    expect(free.map((entry) => entry.key)).toEqual([...order].reverse());
                }
            }),
            {numRuns: 500, seed: 11},
        );
    });
});
