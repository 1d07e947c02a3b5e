/** The budget: how much of the memory limit is used, by tier, and what the same files would take uncut. */
import {t} from "../shared/l10n.js";
import {h} from "../shared/dom.js";
import {formatBytes, formatCount, formatFiles, formatShare} from "./format.js";
import type {PageContext, View} from "./page-context.js";
import type {PageState} from "./state.js";
import {type BudgetPart, budgetParts, totalsByTier} from "./totals.js";

export function createSummaryView(_context: PageContext): View {
    const parts: readonly {part: BudgetPart; name: string}[] = [
        {part: "attended", name: t("attended")},
        {part: "memory", name: t("in memory")},
        {part: "other", name: t("at work")},
        {part: "free", name: t("free")},
    ];
    const headline = h("p", {class: "headline"});
    const bar = h("div", {class: "bar", role: "img"});
    const legend = h("ul", {class: "legend"});
    const facts = h("p", {class: "facts"});
    const element = h(
        "section",
        {class: "summary", "aria-label": t("Memory for what is kept")},
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
                ` ${t("of {0} used ({1})", formatBytes(kv.limitBytes), formatShare(kv.usedBytes / whole))}`,
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
                t("{0} of {1} used: {2}", formatBytes(kv.usedBytes), formatBytes(kv.limitBytes), described),
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
            const told = [
                t("{0}, {1} tokens; {2} in memory.", formatFiles(n), formatCount(tokens), formatCount(nResident)),
            ];
            if (kept > 0)
                told.push(t("Uncut they would take {0}, {1} as much.", formatBytes(uncut), times(uncut / kept)));
            if (disk.bytes > 0) {
                told.push(
                    disk.limitBytes > 0
                        ? t("On disk: {0} of {1}.", formatBytes(disk.bytes), formatBytes(disk.limitBytes))
                        : t("On disk: {0}.", formatBytes(disk.bytes)),
                );
            }
            facts.textContent = told.join(" ");
        },
    };
}

function times(factor: number): string {
    return `${factor < 9.95 ? factor.toFixed(1) : Math.round(factor)}×`;
}
