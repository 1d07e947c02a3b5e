/** Shares per (layer, KV head) as a heat map in SVG: layers from left to right, KV heads from top to bottom. */
import {escaped, percent, px} from "./markup.js";

const left = 44;
const top = 8;
const maxCell = 26;
const maxWidth = 1080;

/** @param perHead [layer][KV head], in [0, 1] */
export function heatMap(title: string, perHead: readonly (readonly number[])[]): string {
    const {width, height, marks} = heatMarks(perHead);
    return (
        `<figure class="wide"><figcaption>${escaped(title)}</figcaption>` +
        `<svg viewBox="0 0 ${px(width)} ${px(height)}" style="max-width:${px(width)}px" role="img" aria-label="${escaped(title)}">` +
        `${marks}</svg></figure>`
    );
}

/** What stands inside the svg element, and its size. */
export function heatMarks(perHead: readonly (readonly number[])[]): {width: number; height: number; marks: string} {
    const nLayers = perHead.length;
    const nHeads = perHead[0]?.length ?? 0;
    const cell = Math.min(maxCell, (maxWidth - left) / Math.max(1, nLayers));
    const width = left + nLayers * cell + 4;
    const height = top + nHeads * cell + 26;
    const cells = perHead.flatMap((heads, layer) =>
        heads.map(
            (share, head) =>
                `<rect class="cell" x="${px(left + layer * cell)}" y="${px(top + head * cell)}" ` +
                `width="${px(cell - 1)}" height="${px(cell - 1)}" style="--share:${share.toFixed(3)}">` +
                `<title>layer ${layer}, KV head ${head}: ${percent(share)}</title></rect>`,
        ),
    );
    const every = nLayers > 40 ? 10 : 5;
    const layers = perHead
        .map((_, layer) => layer)
        .filter((layer) => layer % every === 0)
        .map(
            (layer) =>
                `<text class="tick" x="${px(left + (layer + 0.5) * cell)}" y="${px(height - 8)}" text-anchor="middle">${layer}</text>`,
        );
    // With many heads not every one has room for its number.
    const step = Math.ceil(12 / cell);
    const heads = Array.from({length: nHeads}, (_, head) => head)
        .filter((head) => head % step === 0)
        .map(
            (head) =>
                `<text class="tick" x="${left - 8}" y="${px(top + (head + 0.5) * cell + 4)}" text-anchor="end">${head}</text>`,
        );
    return {width, height, marks: `${cells.join("")}${layers.join("")}${heads.join("")}`};
}
