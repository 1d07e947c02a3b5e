import fc from "fast-check";
import {describe, expect, test} from "vitest";
import {FileTiers} from "../../../extension/engine/file-tiers.js";
import type {SegmentIdentity} from "../../../extension/engine/store/identity.js";

const id = (n: number) => `i${n}` as SegmentIdentity;

function tiersOf(
    resident: Set<SegmentIdentity>,
    stored: Set<SegmentIdentity>,
    refined = new Set<SegmentIdentity>(),
): FileTiers {
    return new FileTiers({
        isResident: (one) => resident.has(one),
        isStored: (one) => stored.has(one),
        isRefined: (one) => refined.has(one),
    });
}

describe("counts of files by tier", () => {
    test("a file counts where all of its parts are, and once", () => {
        const [resident, stored] = [new Set<SegmentIdentity>(), new Set<SegmentIdentity>()];
        const tiers = tiersOf(resident, stored);
        const file = {workspace: "w", path: "a.ts"};
        tiers.note(file, {index: 0, count: 2}, id(0));
        tiers.note(file, {index: 1, count: 2}, id(1));
        expect([tiers.nInMemory, tiers.nOnDisk]).toEqual([0, 0]);
        for (const one of [id(0), id(1)]) {
            stored.add(one);
            tiers.changed(one);
        }
        expect([tiers.nInMemory, tiers.nOnDisk]).toEqual([0, 1]);
        resident.add(id(0));
        tiers.changed(id(0));
        expect([tiers.nInMemory, tiers.nOnDisk]).toEqual([0, 1]);
        resident.add(id(1));
        tiers.changed(id(1));
        expect([tiers.nInMemory, tiers.nOnDisk]).toEqual([1, 0]);
        tiers.forgetWorkspace("w");
        expect([tiers.nInMemory, tiers.nOnDisk]).toEqual([0, 0]);
    });

    test("agrees with counting anew, whatever happens", () => {
        const step = fc.oneof(
            fc.record({
                do: fc.constant("note" as const),
                file: fc.nat(3),
                part: fc.nat(1),
                count: fc.constantFrom(1, 2),
                identity: fc.nat(4),
            }),
            fc.record({do: fc.constantFrom<"forget" | "leave">("forget", "leave"), file: fc.nat(3)}),
            fc.record({
                do: fc.constantFrom<"resident" | "stored" | "refined">("resident", "stored", "refined"),
                identity: fc.nat(4),
            }),
        );
        fc.assert(
            fc.property(fc.array(step, {maxLength: 60}), (steps) => {
                const [resident, stored, refined] = [0, 1, 2].map(() => new Set<SegmentIdentity>()) as [
                    Set<SegmentIdentity>,
                    Set<SegmentIdentity>,
                    Set<SegmentIdentity>,
                ];
                const tiers = tiersOf(resident, stored, refined);
                const known = new Map<string, (SegmentIdentity | undefined)[]>();
                const nameOf = (file: number) => ({workspace: `w${file % 2}`, path: `f${file}`});
                for (const one of steps) {
                    if (one.do === "note") {
                        const part = {index: one.part % one.count, count: one.count};
                        const name = nameOf(one.file).path;
                        if (known.get(name)?.length !== one.count)
                            known.set(
                                name,
                                Array.from({length: one.count}, () => undefined),
                            );
                        known.get(name)![part.index] = id(one.identity);
                        tiers.note(nameOf(one.file), part, id(one.identity));
                    } else if (one.do === "forget") {
                        known.delete(nameOf(one.file).path);
                        tiers.forget(nameOf(one.file).workspace, nameOf(one.file).path);
                    } else if ("file" in one) {
                        for (const file of [0, 1, 2, 3]) if (file % 2 === one.file % 2) known.delete(`f${file}`);
                        tiers.forgetWorkspace(nameOf(one.file).workspace);
                    } else {
                        const set = {resident, stored, refined}[one.do];
                        if (!set.delete(id(one.identity))) set.add(id(one.identity));
                        tiers.changed(id(one.identity));
                    }
                    const all = [...known.values()].filter((parts) => parts.every((part) => part !== undefined));
                    const inMemory = all.filter((parts) => parts.every((part) => resident.has(part)));
                    const there = all.filter((parts) => parts.every((part) => resident.has(part) || stored.has(part)));
                    expect(tiers.nInMemory).toBe(inMemory.length);
                    expect(tiers.nOnDisk).toBe(there.length - inMemory.length);
                    expect(tiers.nRefined).toBe(
                        there.filter((parts) => parts.every((part) => refined.has(part))).length,
                    );
                }
            }),
            {seed: 20_261_122, numRuns: 500},
        );
    });
});
