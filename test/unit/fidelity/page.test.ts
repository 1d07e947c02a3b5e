import {describe, expect, test} from "vitest";
import type {FidelityReport} from "../../../extension/core/fidelity/fidelity-report.js";
import type {QualityRow} from "../../../extension/core/fidelity/measurements.js";
import {shadesOf} from "../../../extension/core/fidelity/page/kept-text.js";
import {linePlot} from "../../../extension/core/fidelity/page/line-plot.js";
import {reportPage} from "../../../extension/core/fidelity/page/report-page.js";
import {seriesStyles} from "../../../extension/core/fidelity/page/series.js";
import {policyNames} from "../../../extension/core/policy/presets.js";

const row = (policy: string, budget: number, recovered: number | null, kl: number): QualityRow => ({
    policy,
    budget,
    position: "parallel",
    recovered,
    recoveredInterval: recovered === null ? null : [recovered - 0.1, recovered + 0.1],
    recoveredAll: recovered,
    kl,
    klInterval: [kl / 2, kl * 2],
    top1: 0.9,
    bytesShare: budget,
});

const hostile = `</script><img src=x onerror="alert(1)">&'`;

const report: FidelityReport = {
    settings: [{name: "model", value: hostile}],
    rows: [
        row("full", 1, 1, 0),
        row("aha-file", 0.25, 0.98, 0.01),
        row("aha-file", 0.125, 0.9, 0.03),
        row("snapkv", 0.25, 0.4, 0.13),
        row("snapkv", 0.125, null, 0.2),
    ],
    pairs: [],
    headShares: [
        {
            budget: 0.25,
            perHead: [
                [0.5, 0],
                [1, 0.25],
            ],
        },
    ],
    files: [{path: hostile, policy: "aha-file", budget: 0.25, tokens: ["const ", hostile], kept: [1, 0]}],
    nNotMeasured: 0,
};

describe("reportPage", () => {
    const page = reportPage(report);

    test("asks nothing of any other place, and the browser is told so", () => {
        expect(page).toContain("default-src 'none'");
        const harmless = reportPage({
            ...report,
            settings: [],
            files: [{...report.files[0]!, path: "a.ts", tokens: ["a", "b"]}],
        });
        expect(harmless).not.toMatch(/\b(?:src|href)=|url\(|@import|https?:/);
    });

    test("shows texts of files and models as text", () => {
        expect(page).not.toContain("<img");
        expect(page.match(/<script>/g)).toHaveLength(1);
        expect(page).toContain("&lt;/script&gt;&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&amp;&#39;");
    });

    test("has a line for every policy, a cell for every head, a shade for every token", () => {
        expect(page.match(/<polyline points="[^"]*"/g)!.length).toBeGreaterThanOrEqual(4);
        expect(page.match(/class="cell"/g)).toHaveLength(4);
        expect(page).toContain("layer 1, KV head 1: 25 %");
        expect(page).toContain('<span class="k8">const </span>');
    });

    test("says that a run was interrupted", () => {
        expect(page).not.toContain("interrupted");
        expect(reportPage({...report, nNotMeasured: 7})).toContain("7 pairs are missing");
    });

    test("shows what there is when there is little", () => {
        const little = reportPage({...report, rows: [row("full", 1, 1, 0)], headShares: [], files: []});
        expect(little).toContain("All figures");
        expect(little).not.toMatch(/NaN|undefined|Infinity/);
    });
});

test("in a plot a better value stands higher, and a larger budget further right", () => {
    const svg = linePlot({
        title: "t",
        unit: "R",
        points: [
            {policy: "a", budget: 0.5, value: 0.9, interval: [0.8, 1]},
            {policy: "a", budget: 0.125, value: 0.3, interval: [0.2, 0.4]},
        ],
        styles: seriesStyles([row("a", 0.5, 0.9, 0.1)]),
        scale: "linear",
        format: String,
    });
    const [points] = /<polyline points="([^"]*)"/.exec(svg)!.slice(1);
    const [[x1, y1], [x2, y2]] = points!.split(" ").map((point) => point.split(",").map(Number)) as [
        [number, number],
        [number, number],
    ];
    expect(x1).toBeLessThan(x2);
    // Down is more in SVG.
    expect(y1).toBeGreaterThan(y2);
});

test("no two policies look the same in a plot of all presets", () => {
    const styles = seriesStyles(policyNames.map((policy) => row(policy, 0.25, 0.5, 0.1)));
    const looks = styles.map(({colour, dash, mark}) => `${colour} ${dash} ${mark}`);
    expect(new Set(looks).size).toBe(looks.length);
    expect(styles.map(({policy}) => policy)).toEqual(policyNames.filter((name) => name !== "full"));
});

test("shades rise with what is kept, from nothing to all", () => {
    expect(shadesOf([0, 0.01, 0.25, 0.5, 1])).toMatch(/^0[0-8]{3}8$/);
    const digits = [...shadesOf([0, 0.1, 0.2, 0.4, 0.6, 0.8, 1])].map(Number);
    expect(digits).toEqual([...digits].sort((a, b) => a - b));
});
