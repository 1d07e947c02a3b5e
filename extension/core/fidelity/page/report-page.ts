/** The fidelity report as one page that needs nothing from anywhere: figures against budget, head shares, a file. */
import {defaultPolicyName} from "../../policy/presets.js";
import type {FidelityReport} from "../fidelity-report.js";
import type {QualityRow} from "../measurements.js";
import {heatMap} from "./heat-map.js";
import {keptText} from "./kept-text.js";
import {linePlot, markOf} from "./line-plot.js";
import {escaped, percent, twoDecimals} from "./markup.js";
import {pageScript, pageStyle} from "./page-style.js";
import {klPlot, recoveredPlot} from "./plots.js";
import {seriesStyles, type SeriesStyle} from "./series.js";

export function reportPage(report: FidelityReport): string {
    const {settings, rows, headShares, files, nNotMeasured} = report;
    const styles = seriesStyles(rows);
    const positions = [...new Set(rows.map(({position}) => position))];
    const facts = settings.map(({name, value}) => `<div><dt>${escaped(name)}</dt><dd>${escaped(value)}</dd></div>`);
    const parts = [
        `<header><h1>What every cut costs</h1><p>R is the share of the uncut files' benefit that a cut keeps, on ` +
            `identifiers that the target takes from other files: 1 is as good as every row. KL is how far the ` +
            `predictions move, in nats per token. Whiskers: 95 % of bootstrap samples over the pairs.</p>` +
            `<dl>${facts.join("")}</dl></header>`,
        nNotMeasured > 0
            ? `<p class="notice">The run was interrupted: ${nNotMeasured} pairs are missing, the figures are those of the others.</p>`
            : "",
        ...positions.map((position) =>
            plots(
                position,
                rows.filter((row) => row.position === position),
                styles,
            ),
        ),
        table(rows, styles),
        headShares.length === 0
            ? ""
            : `<section><h2>Head profile</h2><p>Share of its rows that each KV head keeps: layers from left to right, their ` +
              `heads from top to bottom. <span class="scale">none <span class="bar"></span> all</span></p>` +
              headShares.map(({budget, perHead}) => heatMap(`at ${percent(budget)} of the rows`, perHead)).join("") +
              `</section>`,
        files.length === 0
            ? ""
            : `<section><h2>What is kept of ${escaped(files[0]!.path)}</h2><p>The stronger a token is shaded, the more of the ` +
              `(layer, KV head) pairs keep its rows.</p>${keptText(files, shownFile(report))}</section>`,
    ];
    return (
        `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">` +
        `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">` +
        `<title>What every cut costs</title><style>${pageStyle}</style></head>` +
        `<body><main>${parts.join("\n")}</main><script>${pageScript}</script></body></html>\n`
    );
}

function plots(position: string, rows: readonly QualityRow[], styles: readonly SeriesStyle[]): string {
    if (rows.every(({policy}) => policy === "full")) return "";
    return (
        `<section><h2>Files at ${position === "parallel" ? "the same positions" : "positions one behind the other"}</h2>` +
        `<div class="plots">${linePlot(recoveredPlot(rows, styles))}${linePlot(klPlot(rows, styles))}` +
        `</div><div class="legend">${styles.map(legendEntry).join("")}</div></section>`
    );
}

function legendEntry({policy, colour, dash, mark, isOurs}: SeriesStyle): string {
    const name = escaped(policy);
    return (
        `<button type="button" aria-pressed="true" data-policy="${name}">` +
        `<svg viewBox="0 0 30 12" class="series c${colour}${isOurs ? " ours" : ""}" aria-hidden="true">` +
        `<polyline points="1,6 29,6"${dash === "" ? "" : ` stroke-dasharray="${dash}"`}/>${markOf(mark, 15, 6)}</svg>${name}</button>`
    );
}

function table(rows: readonly QualityRow[], styles: readonly SeriesStyle[]): string {
    const ours = new Set(styles.filter(({isOurs}) => isOurs).map(({policy}) => policy));
    const hasPlaces = new Set(rows.map(({position}) => position)).size > 1;
    const lines = rows.map((row) => {
        const interval =
            row.recoveredInterval === null ? "" : ` <small>${row.recoveredInterval.map(two).join(" to ")}</small>`;
        return (
            `<tr${ours.has(row.policy) ? ' class="ours"' : ""}><td>${escaped(row.policy)}</td>` +
            (hasPlaces ? `<td>${row.position}</td>` : "") +
            `<td>${percent(row.budget)}</td><td>${two(row.recovered)}${interval}</td><td>${two(row.recoveredAll)}</td>` +
            `<td>${row.kl.toFixed(4)}</td><td>${percent(Number(row.top1.toFixed(3)))}</td><td>${percent(Number(row.bytesShare.toFixed(4)))}</td></tr>`
        );
    });
    return (
        `<section><h2>All figures</h2><div class="table"><table><thead><tr><th>policy</th>${hasPlaces ? "<th>positions</th>" : ""}` +
        `<th>budget</th><th>R, 95 %</th><th>R, all tokens</th><th>KL</th><th>top 1</th><th>bytes</th></tr></thead>` +
        `<tbody>${lines.join("")}</tbody></table></div></section>`
    );
}

function two(value: number | null): string {
    return value === null ? "\u2013" : twoDecimals(value);
}

/** Kvasir's default at the smallest budget shows most. */
function shownFile({files}: FidelityReport): number {
    const best = files
        .map((file, index) => ({...file, index}))
        .sort(
            (a, b) =>
                Number(b.policy.startsWith(defaultPolicyName)) - Number(a.policy.startsWith(defaultPolicyName)) ||
                a.budget - b.budget,
        );
    return best[0]?.index ?? 0;
}
