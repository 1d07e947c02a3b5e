/** A figure against budget, one line per policy, with the spread over pairs, as SVG. Colours are the style sheet's. */
import {escaped, percent, px} from "./markup.js";
import type {SeriesStyle} from "./series.js";

export interface PlotPoint {
    policy: string;
    budget: number;
    value: number;
    interval: readonly [number, number];
}

export interface LinePlot {
    title: string;
    /** What the axis of values says. */
    unit: string;
    points: readonly PlotPoint[];
    styles: readonly SeriesStyle[];
    scale: "linear" | "log";
    /** A line across, with its name. */
    yardstick?: {value: number; name: string};
    format: (value: number) => string;
}

export const plotSize = {width: 560, height: 360};
const inner = {left: 52, right: 544, top: 18, bottom: 306};
/** Points of one budget stand beside each other, so that their whiskers can be told apart. */
const jitter = 5;

export function linePlot(plot: LinePlot): string {
    const title = escaped(plot.title);
    return (
        `<figure><figcaption>${title}</figcaption>` +
        `<svg viewBox="0 0 ${plotSize.width} ${plotSize.height}" role="img" aria-label="${title}">` +
        `${plotMarks(plot)}</svg></figure>`
    );
}

/** What stands inside the svg element, of plotSize. */
export function plotMarks({unit, points, styles, scale, yardstick, format}: Omit<LinePlot, "title">): string {
    const budgets = [...new Set(points.map(({budget}) => budget))].sort((a, b) => a - b);
    const x = (budget: number): number => {
        const low = Math.log(budgets[0] ?? 0.1);
        const high = Math.log(budgets.at(-1) ?? 1);
        const share = high > low ? (Math.log(budget) - low) / (high - low) : 0.5;
        return inner.left + 34 + share * (inner.right - inner.left - 68);
    };
    const axis = scale === "log" ? logAxis(points) : linearAxis(points, yardstick?.value);
    const grid = axis.ticks
        .map(
            (tick) =>
                `<line class="grid" x1="${inner.left}" x2="${inner.right}" y1="${px(axis.y(tick))}" y2="${px(axis.y(tick))}"/>` +
                `<text class="tick" x="${inner.left - 8}" y="${px(axis.y(tick) + 4)}" text-anchor="end">${format(tick)}</text>`,
        )
        .join("");
    const below = budgets
        .map(
            (budget) =>
                `<text class="tick" x="${px(x(budget))}" y="${inner.bottom + 20}" text-anchor="middle">${percent(budget)}</text>`,
        )
        .join("");
    const across =
        yardstick === undefined
            ? ""
            : `<line class="yardstick" x1="${inner.left}" x2="${inner.right}" y1="${px(axis.y(yardstick.value))}" y2="${px(axis.y(yardstick.value))}"/>` +
              `<text class="tick" x="${inner.right}" y="${px(axis.y(yardstick.value) - 5)}" text-anchor="end">${escaped(yardstick.name)}</text>`;
    const lines = styles
        .map((style, i) => {
            const offset = (i - (styles.length - 1) / 2) * Math.min(jitter, 40 / Math.max(1, styles.length));
            return lineOf(
                style,
                points.filter(({policy}) => policy === style.policy).sort((a, b) => a.budget - b.budget),
                (budget) => x(budget) + offset,
                axis.y,
                format,
            );
        })
        .join("");
    return (
        `${grid}${across}${below}${lines}` +
        `<text class="axis" x="${(inner.left + inner.right) / 2}" y="${plotSize.height - 12}" text-anchor="middle">share of the rows kept</text>` +
        `<text class="axis" x="${inner.left}" y="10">${escaped(unit)}</text>`
    );
}

function lineOf(
    style: SeriesStyle,
    points: readonly PlotPoint[],
    x: (budget: number) => number,
    y: (value: number) => number,
    format: (value: number) => string,
): string {
    if (points.length === 0) return "";
    const path = points.map(({budget, value}) => `${px(x(budget))},${px(y(value))}`).join(" ");
    const dash = style.dash === "" ? "" : ` stroke-dasharray="${style.dash}"`;
    const marks = points
        .map(({budget, value, interval: [low, high]}) => {
            const at = x(budget);
            const what = `${style.policy} at ${percent(budget)}: ${format(value)} (${format(low)} to ${format(high)})`;
            return (
                `<line class="whisker" x1="${px(at)}" x2="${px(at)}" y1="${px(y(low))}" y2="${px(y(high))}"/>` +
                `<g><title>${escaped(what)}</title>${markOf(style.mark, at, y(value))}</g>`
            );
        })
        .join("");
    const name = escaped(style.policy);
    return (
        `<g class="series c${style.colour}${style.isOurs ? " ours" : ""}" data-policy="${name}">` +
        `<polyline points="${path}"${dash}/>${marks}</g>`
    );
}

/** A point's mark, 9 pixels wide. */
export function markOf(mark: SeriesStyle["mark"], x: number, y: number): string {
    switch (mark) {
        case "circle":
            return `<circle class="mark" cx="${px(x)}" cy="${px(y)}" r="4.2"/>`;
        case "square":
            return `<rect class="mark" x="${px(x - 3.8)}" y="${px(y - 3.8)}" width="7.6" height="7.6"/>`;
        case "triangle":
            return `<path class="mark" d="M${px(x)} ${px(y - 4.8)}L${px(x + 4.6)} ${px(y + 3.6)}H${px(x - 4.6)}Z"/>`;
        case "diamond":
            return `<path class="mark" d="M${px(x)} ${px(y - 5.2)}L${px(x + 5.2)} ${px(y)}L${px(x)} ${px(y + 5.2)}L${px(x - 5.2)} ${px(y)}Z"/>`;
    }
}

interface Axis {
    ticks: number[];
    y: (value: number) => number;
}

function onto(low: number, high: number): (value: number) => number {
    return (value) => {
        const share = Math.min(1, Math.max(0, (value - low) / (high - low)));
        return inner.bottom - share * (inner.bottom - inner.top);
    };
}

/** From 0, or below where something is, in about six round steps. */
function linearAxis(points: readonly PlotPoint[], yardstick = 0): Axis {
    const values = points.flatMap(({value, interval}) => [value, ...interval]);
    // Single whiskers that reach far must not press the lines together.
    const least = Math.max(Math.min(0, ...values), Math.min(0, ...points.map(({value}) => value)) - 0.5);
    const most = Math.min(Math.max(yardstick, ...values), Math.max(yardstick, ...points.map(({value}) => value)) + 0.5);
    const rough = (most - least || 1) / 6;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((n) => n * power).find((candidate) => candidate >= rough)!;
    const low = Math.floor(least / step + 1e-9) * step;
    const high = Math.ceil(most / step - 1e-9) * step;
    const ticks = Array.from({length: Math.round((high - low) / step) + 1}, (_, i) => low + i * step);
    return {ticks, y: onto(low, high)};
}

function logAxis(points: readonly PlotPoint[]): Axis {
    const values = points.flatMap(({value, interval}) => [value, ...interval]).filter((value) => value > 1e-5);
    const low = Math.log10(Math.min(1e-2, ...values));
    const high = Math.log10(Math.max(1e-1, ...values));
    const ticks: number[] = [];
    for (let power = Math.floor(low); power <= Math.ceil(high); power++) {
        for (const n of [1, 2, 5]) {
            const tick = n * 10 ** power;
            if (Math.log10(tick) >= low - 1e-9 && Math.log10(tick) <= high + 1e-9) ticks.push(tick);
        }
    }
    const place = onto(low, high);
    return {ticks, y: (value) => place(Math.log10(Math.max(value, 1e-12)))};
}
