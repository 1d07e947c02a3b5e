import {describe, expect, test} from "vitest";
import {chart, rowsOf, table, type Row} from "../../bench/speed-chart.mjs";

const row = (name: string, ratio: number, more: Partial<Row> = {}): Row => ({
    name,
    unit: "ms",
    kvasir: 100,
    peer: 100 * ratio,
    peerName: "plain llama.cpp",
    ratio,
    spread: [ratio * 0.9, ratio * 1.1],
    ...more,
});

/** Numbers of an attribute, in the order of the elements of one class. */
function attribute(svg: string, className: string, name: string): number[] {
    return [...svg.matchAll(/<(?:rect|line)[^>]*>/g)]
        .map(([element]) => element)
        .filter((element) => element.includes(`class="${className}"`))
        .map((element) => Number(new RegExp(` ${name}="([\\d.-]+)"`).exec(element)![1]));
}

describe("the chart of speed", () => {
    test("a bar begins or ends at 1x, and doubles take equal steps", () => {
        const svg = chart([row("two", 2), row("four", 4), row("half", 0.5)], "title");
        const [one] = attribute(svg, "one", "x1") as [number];
        const [two, four] = attribute(svg, "better", "width") as [number, number];
        expect(attribute(svg, "better", "x")).toEqual([one, one]);
        expect(four / two).toBeCloseTo(2, 2);
        const [half] = attribute(svg, "worse", "width") as [number];
        expect(half).toBeCloseTo(two, 0);
        expect(attribute(svg, "worse", "x")[0]! + half).toBeCloseTo(one, 0);
    });

    test("nothing lies outside the picture, however far the ratios lie apart", () => {
        const svg = chart([row("small", 0.03), row("huge", 1500)], "title");
        const numbers = [...svg.matchAll(/ x[12]?="([\d.-]+)"/g)].map(([, value]) => Number(value));
        expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
        expect(Math.max(...numbers)).toBeLessThanOrEqual(860);
    });

    test("a row of one round says so, but for bytes", () => {
        const rows = [row("a", 2, {rounds: 1}), row("b", 2, {rounds: 2}), row("c", 4, {rounds: 1, unit: "bytes"})];
        expect(chart(rows, "title").match(/one round/g)).toHaveLength(1);
    });

    test("the axis is named by whole multiples and parts", () => {
        const svg = chart([row("a", 6), row("b", 0.1)], "title");
        const names = [...svg.matchAll(/class="axis">([^<]*)</g)].map(([, name]) => name);
        expect(names).toEqual(["1/16x", "1/8x", "1/4x", "1/2x", "1x", "2x", "4x", "8x"]);
    });

    test("names are escaped", () => {
        expect(chart([row("a<b&c", 1)], "title")).toContain("a&lt;b&amp;c");
    });
});

test("the table has both sides in readable units", () => {
    const rows = [
        row("question-edited-5k", 4.5, {kvasir: 6000, peer: 27_000, peerName: "llama-server"}),
        row("decode-4k-cut", 2, {unit: "ms/token", kvasir: 20.64, peer: 41.28}),
        row("bytes-per-file", 4, {unit: "bytes", kvasir: 4_030_000, peer: 16_120_000, spread: [4, 4]}),
    ];
    expect(table(rows).split("\n").slice(2, 5)).toEqual([
        "| question-edited-5k | 6000 ms | 27.0 s | llama-server | 4.50 | 4.05 to 4.95 |",
        "| decode-4k-cut | 20.6 ms/token | 41.3 ms/token | plain llama.cpp | 2.00 | 1.80 to 2.20 |",
        "| bytes-per-file | 4.03 MB | 16.1 MB | plain llama.cpp | 4.00 |  |",
    ]);
});

test("rounds and load have columns where every row has them", () => {
    const measured = row("read-1k", 0.8, {rounds: 2, load: 2.04});
    expect(table([measured]).split("\n").slice(0, 3)).toEqual([
        "| row | Kvasir | peer |  | ratio | spread | rounds | load |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        "| read-1k | 100 ms | 80 ms | plain llama.cpp | 0.80 | 0.72 to 0.88 | 2 | 2.0 |",
    ]);
    expect(table([measured, row("of old", 1)])).not.toContain("rounds");
});

test("rows come from reports alone and from the runs of the GPU script", () => {
    expect(
        rowsOf([{rows: [row("a", 1)]}, {runs: [{rows: [row("b", 1)]}, {rows: [row("c", 1)]}]}]).map(({name}) => name),
    ).toEqual(["a", "b", "c"]);
});
