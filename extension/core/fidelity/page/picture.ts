/** Plots as pictures that stand alone: one SVG file each, with its own style for light and dark, and its legend. */
import type {QualityRow} from "../measurements.js";
import {heatMarks} from "./heat-map.js";
import {markOf, plotMarks, plotSize} from "./line-plot.js";
import {escaped, percent, px} from "./markup.js";
import {pictureStyle} from "./page-style.js";
import {klPlot, recoveredPlot} from "./plots.js";
import {seriesStyles, type SeriesStyle} from "./series.js";

const margin = 16;
const titleHeight = 34;
const entry = {width: 132, height: 20};

/** R and KL against budget. @param rows of one position */
export function qualityPictures(rows: readonly QualityRow[]): {name: string; svg: string}[] {
    const styles = seriesStyles(rows);
    return [
        {name: "recovered", plot: recoveredPlot(rows, styles)},
        {name: "kl", plot: klPlot(rows, styles)},
    ].map(({name, plot}) => ({
        name,
        svg: picture(plot.title, plotSize.width, plotSize.height, plotMarks(plot), legend(styles)),
    }));
}

/** @param perHead [layer][KV head] */
export function profilePicture(budget: number, perHead: readonly (readonly number[])[]): string {
    const {width, height, marks} = heatMarks(perHead);
    return picture(
        `Share of its rows that each head keeps at ${percent(budget)}: layers across, KV heads down`,
        width,
        height,
        marks,
        {
            height: 0,
            marks: "",
        },
    );
}

function picture(
    title: string,
    width: number,
    height: number,
    marks: string,
    below: {height: number; marks: string},
): string {
    const whole = {width: width + 2 * margin, height: titleHeight + height + below.height + margin};
    return (
        `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${px(whole.width)} ${px(whole.height)}" ` +
        `width="${px(whole.width)}" height="${px(whole.height)}" role="img" aria-label="${escaped(title)}">` +
        `<style>${pictureStyle} svg .title { font-weight: 600; font-size: 14px; fill: var(--ink); }</style>` +
        `<rect width="100%" height="100%" rx="8" style="fill:var(--card)"/>` +
        `<text class="title" x="${margin}" y="23">${escaped(title)}</text>` +
        `<g transform="translate(${margin} ${titleHeight})">${marks}</g>` +
        `<g transform="translate(${margin} ${px(titleHeight + height)})">${below.marks}</g></svg>\n`
    );
}

function legend(styles: readonly SeriesStyle[]): {height: number; marks: string} {
    const perLine = Math.max(1, Math.floor(plotSize.width / entry.width));
    const marks = styles
        .map(({policy, colour, dash, mark, isOurs}, i) => {
            const x = (i % perLine) * entry.width;
            const y = (Math.floor(i / perLine) + 0.5) * entry.height;
            return (
                `<g class="series c${colour}${isOurs ? " ours" : ""}" transform="translate(${px(x)} ${px(y)})">` +
                `<polyline points="1,0 27,0"${dash === "" ? "" : ` stroke-dasharray="${dash}"`}/>${markOf(mark, 14, 0)}` +
                `<text x="34" y="4">${escaped(policy)}</text></g>`
            );
        })
        .join("");
    return {height: Math.ceil(styles.length / perLine) * entry.height, marks};
}
