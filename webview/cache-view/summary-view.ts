/** The budget: how much of the memory limit is used, by tier, and what the same files would take uncut. */
import {h} from "../shared/dom.js";
import {formatBytes, formatCount, formatNumberOf, formatShare} from "./format.js";
import type {PageContext, View} from "./page-context.js";
import type {PageState} from "./state.js";
import {type BudgetPart, budgetParts, totalsByTier} from "./totals.js";

const parts: readonly {part: BudgetPart; name: string}[] = [
    {part: "attended", name: "attended"},
    {part: "memory", name: "in memory"},
    {part: "other", name: "conversations"},
    {part: "free", name: "free"},
];

export function createSummaryView(_context: PageContext): View {
    const headline = h("p", {class: "headline"});
    const bar = h("div", {class: "bar", role: "img"});
    const legend = h("ul", {class: "legend"});
    const facts = h("p", {class: "facts"});
    const element = h(
        "section",
        {class: "summary", "aria-label": "Memory for what is kept"},
        headline,
        bar,
        legend,
        facts,
    );
    return {
        element,
        update({cache, files}: PageState) {
            const engine = cache?.engine;
            element.hidden = engine === undefined || files === undefined || files.size === 0;
            if (engine === undefined || files === undefined) return;
            const {kv, disk} = engine;
            const byTier = totalsByTier(files.values());
            const sizes = budgetParts(kv, byTier);
            const whole = Math.max(kv.limitBytes, kv.usedBytes, 1);
            headline.replaceChildren(
                h("strong", {}, formatBytes(kv.usedBytes)),
                ` of ${formatBytes(kv.limitBytes)} used (${formatShare(kv.usedBytes / whole)})`,
            );
            const shown = parts.filter(({part}) => sizes[part] > 0);
            bar.replaceChildren(
                ...shown.map(({part}) => {
                    const piece = h("span", {class: `part ${part}`});
                    piece.style.setProperty("flex-grow", String(sizes[part] / whole));
                    return piece;
                }),
            );
            const described = shown.map(({part, name}) => `${name}: ${formatBytes(sizes[part])}`).join(", ");
            bar.setAttribute(
                "aria-label",
                `${formatBytes(kv.usedBytes)} of ${formatBytes(kv.limitBytes)}: ${described}`,
            );
            legend.replaceChildren(
                ...shown.map(({part, name}) =>
                    h(
                        "li",
                        {},
                        h("span", {class: `swatch ${part}`, "aria-hidden": "true"}),
                        h("span", {}, `${name} ${formatBytes(sizes[part])}`),
                    ),
                ),
            );
            const {attended, memory, disk: onDisk, known} = byTier;
            const nResident = attended.files + memory.files;
            const kept = attended.bytes + memory.bytes;
            const uncut = attended.fullBytes + memory.fullBytes;
            const tokens = attended.tokens + memory.tokens + onDisk.tokens + known.tokens;
            const n = nResident + onDisk.files + known.files;
            facts.replaceChildren(
                `${formatNumberOf(n, "file")}, ${formatCount(tokens)} tokens; ${formatCount(nResident)} in memory. `,
                kept > 0 ? `Uncut they would take ${formatBytes(uncut)}, ${times(uncut / kept)} as much. ` : "",
                disk.bytes > 0
                    ? `On disk: ${formatBytes(disk.bytes)}${disk.limitBytes > 0 ? ` of ${formatBytes(disk.limitBytes)}` : ""}.`
                    : "",
            );
        },
    };
}

function times(factor: number): string {
    return `${factor < 9.95 ? factor.toFixed(1) : Math.round(factor)}×`;
}
