/**
 * Draws results of `bench speed --json` as one picture: a bar per row and peer, from 1 (equally fast, equally large) to
 * the ratio of the medians, on a logarithmic axis, with a line from the lowest to the highest ratio of single rounds.
 * Also prints them as a table for a page.
 *
 *     node test/bench/speed-chart.mjs OUT.svg IN.json...     > table.md
 */
import {readFileSync, writeFileSync} from "node:fs";
import {fileURLToPath} from "node:url";

/** @typedef {{name: string, unit: string, kvasir: number, peer: number, peerName: string, ratio: number, spread: [number, number], rounds?: number, load?: number}} Row */

const size = {width: 860, left: 360, right: 130, top: 44, bar: 14, step: 24};

/**
 * Rows of any number of results: of reports alone, and of what gpu.sh writes, whose runs name their backend.
 * @param {readonly any[]} results
 * @returns {Row[]}
 */
export function rowsOf(results) {
    return results.flatMap((result) => (result.runs ?? [result]).flatMap((/** @type {any} */ run) => run.rows));
}

/**
 * @param {readonly Row[]} rows
 * @param {string} title
 */
export function chart(rows, title) {
    const extremes = [1, ...rows.flatMap(({ratio, spread}) => [ratio, ...spread])].filter((value) => value > 0);
    const low = 2 ** Math.floor(Math.log2(Math.min(...extremes)));
    const high = 2 ** Math.ceil(Math.log2(Math.max(...extremes)));
    const plotWidth = size.width - size.left - size.right;
    const x = (/** @type {number} */ ratio) =>
        size.left + (plotWidth * Math.log2(ratio / low)) / Math.max(1, Math.log2(high / low));
    const height = size.top + rows.length * size.step + 16;
    const parts = [
        `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${height}" font-family="system-ui, sans-serif" font-size="12">`,
        `<title>${escape(title)}</title>`,
        style,
        `<text x="8" y="18" class="title">${escape(title)}</text>`,
    ];
    // One line per doubling, or as many as there is room to name.
    const everyNth = Math.ceil(Math.log2(high / low) / 10);
    for (let value = low, n = 0; value <= high; value *= 2, n++) {
        const isOne = value === 1;
        if (n % everyNth !== 0 && !isOne) continue;
        parts.push(
            `<line x1="${at(x(value))}" x2="${at(x(value))}" y1="${size.top - 6}" y2="${height - 12}" class="${isOne ? "one" : "grid"}"/>`,
            `<text x="${at(x(value))}" y="${size.top - 10}" class="axis">${value < 1 ? `1/${1 / value}` : value}x</text>`,
        );
    }
    rows.forEach(({name, peerName, ratio, spread, rounds, unit}, index) => {
        const y = size.top + index * size.step;
        const middle = y + size.bar / 2;
        const [from, to] = [Math.min(x(1), x(ratio)), Math.max(x(1), x(ratio))];
        const outermost = Math.max(x(1), x(ratio), x(spread[1]));
        parts.push(
            `<text x="8" y="${middle + 4}"><tspan>${escape(name)}</tspan> <tspan class="peer">${escape(peerName)}</tspan></text>`,
            `<rect x="${at(from)}" y="${y}" width="${at(Math.max(1, to - from))}" height="${size.bar}" rx="2" class="${ratio >= 1 ? "better" : "worse"}"/>`,
            `<line x1="${at(x(spread[0]))}" x2="${at(x(spread[1]))}" y1="${middle}" y2="${middle}" class="spread"/>`,
            // A bar without a line must not look like one without a spread; bytes are the same every time.
            `<text x="${at(outermost + 6)}" y="${middle + 4}">${label(ratio)}${rounds === 1 && unit !== "bytes" ? ' <tspan class="peer">one round</tspan>' : ""}</text>`,
        );
    });
    return `${[...parts, "</svg>"].join("\n")}\n`;
}

/**
 * Rounds and load where every row has them: results of old do not.
 * @param {readonly Row[]} rows
 */
export function table(rows) {
    const hasRounds = rows.every(({rounds, load}) => rounds !== undefined && load !== undefined);
    const titles = ["row", "Kvasir", "peer", "", "ratio", "spread", ...(hasRounds ? ["rounds", "load"] : [])];
    const lines = rows.map(({name, unit, kvasir, peer, peerName, ratio, spread, rounds, load}) => [
        ...[name, figure(kvasir, unit), figure(peer, unit), peerName, times(ratio)],
        spread[0] === spread[1] ? "" : spread.map(times).join(" to "),
        ...(hasRounds ? [rounds, load?.toFixed(1)] : []),
    ]);
    return [titles, titles.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}

const style = `<style>
text { fill: #1f2328 }
.title { font-size: 14px; font-weight: 600 }
.peer, .axis { fill: #656d76 }
.axis { text-anchor: middle; font-size: 11px }
.grid { stroke: #d0d7de }
.one { stroke: #656d76; stroke-width: 1.5 }
.better { fill: #2da44e }
.worse { fill: #bf8700 }
.spread { stroke: #1f2328; stroke-width: 1.5 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 }
.peer, .axis { fill: #8d96a0 }
.grid { stroke: #30363d }
.one { stroke: #8d96a0 }
.spread { stroke: #e6edf3 }
}
</style>`;

/** @param {number} value */
function at(value) {
    return value.toFixed(1);
}

/** @param {number} ratio */
function label(ratio) {
    return `${times(ratio)}x`;
}

/** @param {number} ratio */
function times(ratio) {
    return ratio >= 99.5 ? ratio.toFixed(0) : ratio >= 9.95 ? ratio.toFixed(1) : ratio.toFixed(2);
}

/**
 * @param {number} value
 * @param {string} unit
 */
function figure(value, unit) {
    if (unit === "bytes") return `${(value / 1e6).toPrecision(3)} MB`;
    const text = value >= 10_000 ? `${(value / 1000).toFixed(1)} s` : `${Number(value.toPrecision(3))} ms`;
    return unit === "ms" ? text : `${text}/token`;
}

/** @param {string} text */
function escape(text) {
    return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    const [out, ...files] = process.argv.slice(2);
    if (out === undefined || files.length === 0) {
        process.stderr.write("usage: speed-chart.mjs OUT.svg IN.json...\n");
        process.exit(2);
    }
    const results = files.map((file) => JSON.parse(readFileSync(file, "utf8")));
    const rows = rowsOf(results);
    writeFileSync(out, chart(rows, "How many times as much the peer takes (1x: as much as Kvasir)"));
    process.stdout.write(table(rows));
}
