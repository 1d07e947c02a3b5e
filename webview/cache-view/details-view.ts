/** The selected file: its numbers in words, its budget, and what can be done with it. */
import type {FileStatus} from "../../extension/protocol/engine.js";
import type {FileAction} from "../../extension/protocol/webview/cache-view.js";
import {t} from "../shared/l10n.js";
import {h} from "../shared/dom.js";
import {formatAgo, formatBytes, formatCount, formatShare} from "./format.js";
import {tierName} from "./icons.js";
import type {PageContext, View} from "./page-context.js";
import {keptShare} from "./select-files.js";
import type {PageState} from "./state.js";

export function createDetailsView({store, actOnFiles, setBudget}: PageContext): View {
    const buttons = buttonsFor();
    const title = h("h2", {});
    const facts = h("dl", {});
    const pin = h("button", {type: "button", class: "secondary", title: t("Every question sees a pinned file (P)")});
    const close = h(
        "button",
        {type: "button", class: "quiet", "aria-label": t("Close the details"), title: t("Close")},
        "✕",
    );
    const slider = h("input", {type: "range", min: 5, max: 100, step: 5, "aria-label": t("Share of rows to keep")});
    const sliderText = h("output", {});
    const asEverywhere = h("button", {type: "button", class: "secondary"}, t("As Everywhere"));
    const actionButtons = buttons.map(({action, label, key, title: hint}) => {
        const button = h(
            "button",
            {type: "button", class: "secondary", title: `${hint} (${key})`, "aria-keyshortcuts": key},
            label,
        );
        button.addEventListener("click", () => act(action));
        return button;
    });
    const budget = h(
        "div",
        {class: "budget"},
        h("span", {class: "budget-label"}, t("Budget")),
        slider,
        sliderText,
        asEverywhere,
    );
    const element = h(
        "aside",
        {class: "details", "aria-label": t("Selected file")},
        h("div", {class: "details-head"}, title, close),
        facts,
        budget,
        h("div", {class: "actions"}, pin, actionButtons),
    );
    element.hidden = true;
    let file: FileStatus | undefined;
    let everywhere = 1;

    const act = (action: FileAction) => {
        if (file !== undefined) actOnFiles(action, [file.path]);
    };
    const showShare = () => {
        const share = slider.valueAsNumber / 100;
        const size = file === undefined ? 0 : file.fullBytes * share;
        sliderText.textContent =
            size > 0 ? t("{0}, about {1}", formatShare(share), formatBytes(size)) : formatShare(share);
        slider.setAttribute("aria-valuetext", sliderText.textContent);
    };
    close.addEventListener("click", () => store.dispatch({name: "choose", chosen: {selected: undefined}}));
    pin.addEventListener("click", () => act(file?.pinned === true ? "unpin" : "pin"));
    slider.addEventListener("input", showShare);
    slider.addEventListener("change", () => {
        if (file !== undefined) setBudget(file.path, slider.valueAsNumber / 100);
    });
    asEverywhere.addEventListener("click", () => {
        if (file !== undefined) setBudget(file.path, null);
    });

    return {
        element,
        update({files, chosen, cache, busy}: PageState) {
            const next = chosen.selected === undefined ? undefined : files?.get(chosen.selected);
            const isOther = next?.path !== file?.path;
            element.hidden = next === undefined;
            if (next === undefined) {
                file = undefined;
                return;
            }
            const before = file;
            file = next;
            everywhere = cache?.budget ?? everywhere;
            const isBusy = busy.has(next.path);
            element.setAttribute("aria-busy", String(isBusy));
            element.classList.toggle("busy", isBusy);
            if (next !== before) {
                title.textContent = next.path;
                title.title = next.path;
                facts.replaceChildren(
                    ...factsOf(next).flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
                );
                pin.textContent = next.pinned ? t("Unpin") : t("Pin");
                pin.setAttribute("aria-pressed", String(next.pinned));
            }
            const isReadable = next.reason === undefined;
            budget.hidden = !isReadable;
            for (const button of [pin, ...actionButtons]) button.disabled = isBusy;
            actionButtons.forEach((button, at) => {
                button.hidden = !isReadable && buttons[at]?.action !== "open";
            });
            pin.hidden = !isReadable;
            asEverywhere.textContent = t("As Everywhere ({0})", formatShare(everywhere));
            asEverywhere.hidden = next.budget === undefined;
            // Not while it is being dragged.
            if (isOther || document.activeElement !== slider || next.budget !== before?.budget) {
                slider.valueAsNumber = Math.round((next.budget ?? everywhere) * 100);
                showShare();
            }
        },
    };
}

function factsOf(file: FileStatus): [string, string][] {
    if (file.reason !== undefined) return [[t("Never read"), file.reason]];
    const {tokens, keptRows, bytes, fullBytes, tier, refined, notRefined, hits, lastAttendedMs, budget} = file;
    const facts: [string, string][] = [
        [t("Where"), tierName(tier)],
        [t("Tokens"), formatCount(tokens)],
    ];
    if (keptRows > 0) {
        facts.push(
            [t("Kept"), t("{0} rows per head ({1})", formatCount(keptRows), formatShare(keptShare(file)))],
            [t("Takes"), t("{0} of {1} uncut", formatBytes(bytes), formatBytes(fullBytes))],
            [t("Refined"), refined ? t("yes, scored again while idle") : (notRefined ?? t("not yet"))],
        );
    } else if (fullBytes > 0) facts.push([t("Uncut"), formatBytes(fullBytes)]);
    if (budget !== undefined) facts.push([t("Own budget"), formatShare(budget)]);
    facts.push([t("Attended"), attendedText(hits, lastAttendedMs)]);
    return facts;
}

function attendedText(hits: number, lastAttendedMs: number | undefined): string {
    if (hits === 0) return t("by no question yet");
    const times = hits === 1 ? t("once") : t("{0} times", formatCount(hits));
    if (lastAttendedMs === undefined) return times;
    return t("{0}, last {1}", times, formatAgo(lastAttendedMs, Date.now()));
}

function buttonsFor(): {action: FileAction; label: string; key: string; title: string}[] {
    return [
        {action: "open", label: t("Open"), key: "O", title: t("Open the file in an editor")},
        {action: "heatMap", label: t("Heat Map"), key: "H", title: t("Shade its lines by what was kept")},
        {action: "readAgain", label: t("Read Again"), key: "R", title: t("Read the file anew")},
        {action: "drop", label: t("Drop"), key: "Delete", title: t("Forget what was kept, in memory and on disk")},
        {action: "exclude", label: t("Leave Out..."), key: "X", title: t("Never read this file again")},
    ];
}
