import fc from "fast-check";
import {describe, expect, it} from "vitest";
import {LiveScores} from "../../../extension/core/policy/decode-eviction.js";
import {seeded} from "../../reference/random-qkv.js";

const shape = {nLayers: 2, nKvHeads: 2};
const nHeads = 4;

/** The same conversation with one record per row, in the plainest way. */
class PlainLive {
    heads: {token: number; score: number}[][] = Array.from({length: nHeads}, () => []);

    step(token: number, attend: (head: number, token: number) => number): Float32Array {
        this.heads.forEach((rows, h) => {
            rows.push({token, score: 0});
            rows.forEach((row) => (row.score += Math.fround(attend(h, row.token))));
        });
        return Float32Array.from(this.heads.flatMap((rows, h) => rows.map((row) => attend(h, row.token))));
    }

    evict(perHead: number, recent: number): void {
        this.heads = this.heads.map((rows) => {
            const last = rows.slice(-recent);
            const others = rows.slice(0, -recent).sort((a, b) => b.score - a.score || a.token - b.token);
            return [...others.slice(0, Math.max(0, perHead - last.length)), ...last].sort((a, b) => a.token - b.token);
        });
    }
}

describe("LiveScores", () => {
    it("evicts as summing and sorting by hand do, cut after cut", () => {
        const next = seeded(3);
        const live = new LiveScores(shape);
        const plain = new PlainLive();
        for (let token = 0; token < 120; token++) {
            const weights = new Map<string, number>();
            const attend = (h: number, t: number): number => {
                const key = `${h}:${t}`;
                const known = weights.get(key) ?? next();
                weights.set(key, known);
                return known;
            };
            live.append(1);
            live.add(plain.step(token, attend));
            if (live.nRows / nHeads >= 40) {
                live.keep(live.cut({meanRows: 24, share: {kind: "uniform"}, recentTokens: 8}));
                plain.evict(24, 8);
            }
            expect(Array.from({length: nHeads}, (_, h) => Array.from(live.tokensOf(h)))).toEqual(
                plain.heads.map((rows) => rows.map((row) => row.token)),
            );
        }
        expect(live.nTokens).toBe(120);
        expect(live.nRows).toBeLessThan(40 * nHeads);
    });

    it("keeps exactly the rows asked for, recent tokens in every head with room, whatever the share", () => {
        const attention = fc.array(fc.nat(6), {minLength: nHeads * 30, maxLength: nHeads * 30});
        const share = fc.constantFrom(
            {kind: "uniform"} as const,
            {kind: "pooled", guarantee: 0.2} as const,
            {kind: "layer", guarantee: 0.2} as const,
            {kind: "recovery"} as const,
        );
        fc.assert(
            fc.property(
                attention,
                share,
                fc.double({min: 0, max: 40, noNaN: true}),
                fc.nat(12),
                (scores, by, meanRows, recentTokens) => {
                    const live = new LiveScores(shape);
                    live.append(30);
                    live.add(Float32Array.from(scores));
                    const lists = live.cut({meanRows, share: by, recentTokens});
                    expect(lists.reduce((sum, list) => sum + list.length, 0)).toBe(
                        Math.min(120, Math.round(meanRows * nHeads)),
                    );
                    const pinned = Math.min(recentTokens, Math.floor(meanRows));
                    for (const list of lists) {
                        const recent = Array.from(list).filter((row) => row >= 30 - pinned).length;
                        expect(recent).toBe(Math.min(pinned, list.length));
                    }
                },
            ),
        );
    });

    it("cuts heads that own different numbers of rows", () => {
        const live = new LiveScores(shape);
        live.append(10);
        live.keep([
            Uint32Array.of(9),
            Uint32Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
            Uint32Array.of(8, 9),
            new Uint32Array(0),
        ]);
        live.append(2);
        expect(Array.from(live.offsets())).toEqual([0, 3, 15, 19, 21]);
        live.add(Float32Array.from({length: 21}, (_, i) => i));
        const lists = live.cut({meanRows: 4, share: {kind: "uniform"}, recentTokens: 2});
        // 16 rows: the three short heads keep all of their 3, 4 and 2, the long one takes the 7 that are left.
        expect(lists.map((list) => Array.from(list))).toEqual([
            [0, 1, 2],
            [5, 6, 7, 8, 9, 10, 11],
            [0, 1, 2, 3],
            [0, 1],
        ]);
    });

    it("forgets what is truncated and nothing else; a branch goes its own way", () => {
        const live = new LiveScores(shape);
        live.append(10);
        live.keep(Array.from({length: nHeads}, (_, h) => Uint32Array.of(h, 5, 9)));
        const branch = live.fork();
        live.truncate(6);
        live.append(1);
        expect(Array.from({length: nHeads}, (_, h) => Array.from(live.tokensOf(h)))).toEqual(
            [0, 1, 2, 3].map((h) => [h, 5, 6]),
        );
        expect(Array.from(branch.tokensOf(0))).toEqual([0, 5, 9]);
        expect(branch.nTokens).toBe(10);
    });

    it("means divide by how often a row was asked", () => {
        const live = new LiveScores({nLayers: 1, nKvHeads: 1}, "mean");
        live.append(2);
        live.add(Float32Array.of(1, 1), 1);
        live.append(1);
        live.add(Float32Array.of(0, 0, 0.6), 1);
        expect(live.cut({meanRows: 1, share: {kind: "uniform"}, recentTokens: 0})).toEqual([Uint32Array.of(2)]);
        const summed = new LiveScores({nLayers: 1, nKvHeads: 1});
        summed.append(3);
        summed.add(Float32Array.of(1, 1, 0.6), 1);
        expect(summed.cut({meanRows: 1, share: {kind: "uniform"}, recentTokens: 0})).toEqual([Uint32Array.of(0)]);
    });

    it("refuses attention over other rows than it has", () => {
        const live = new LiveScores(shape);
        live.append(2);
        expect(() => live.add(new Float32Array(7))).toThrow(/8 live rows/);
        expect(() => live.cut({meanRows: NaN, share: {kind: "uniform"}})).toThrow(/cannot keep/);
    });
});
