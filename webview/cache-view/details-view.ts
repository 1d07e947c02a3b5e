/** The selected file: its numbers in words, its budget, and what can be done with it. */
import type {FileStatus} from "../../extension/protocol/engine.js";
import type {FileAction} from "../../extension/protocol/webview/cache-view.js";
import {h} from "../shared/dom.js";
import {formatAgo, formatBytes, formatCount, formatNumberOf, formatShare} from "./format.js";
import {tierNames} from "./icons.js";
import type {PageContext, View} from "./page-context.js";
import {keptShare} from "./select-files.js";
import type {PageState} from "./state.js";

const buttons: readonly {action: FileAction; label: string; key: string; title: string}[] = [
    {action: "open", label: "Open", key: "O", title: "Open the file in an editor"},
    {action: "heatMap", label: "Heat Map", key: "H", title: "Shade its lines by what was kept"},
    {action: "readAgain", label: "Read Again", key: "R", title: "Read the file anew"},
    {action: "drop", label: "Drop", key: "Delete", title: "Forget what was kept, in memory and on disk"},
    {action: "exclude", label: "Leave Out...", key: "X", title: "Never read this file again"},
];

export function createDetailsView({store, actOnFiles, setBudget}: PageContext): View {
    const title = h("h2", {});
    const facts = h("dl", {});
    const pin = h("button", {type: "button", class: "secondary", title: "Every question sees a pinned file (P)"});
    const close = h("button", {type: "button", class: "quiet", "aria-label": "Close the details", title: "Close"}, "✕");
    const slider = h("input", {type: "range", min: 5, max: 100, step: 5, "aria-label": "Share of rows to keep"});
    const sliderText = h("output", {});
    const asEverywhere = h("button", {type: "button", class: "secondary"}, "As Everywhere");
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
        h("span", {class: "budget-label"}, "Budget"),
        slider,
        sliderText,
        asEverywhere,
    );
    const element = h(
        "aside",
        {class: "details", "aria-label": "Selected file"},
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
        sliderText.textContent = `${formatShare(share)}${size > 0 ? `, about ${formatBytes(size)}` : ""}`;
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
                pin.textContent = next.pinned ? "Unpin" : "Pin";
                pin.setAttribute("aria-pressed", String(next.pinned));
            }
            const isReadable = next.reason === undefined;
            budget.hidden = !isReadable;
            for (const button of [pin, ...actionButtons]) button.disabled = isBusy;
            actionButtons.forEach((button, at) => {
                button.hidden = !isReadable && buttons[at]?.action !== "open";
            });
            pin.hidden = !isReadable;
            asEverywhere.textContent = `As Everywhere (${formatShare(everywhere)})`;
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
    if (file.reason !== undefined) return [["Never read", file.reason]];
    const {tokens, keptRows, bytes, fullBytes, tier, refined, hits, lastAttendedMs, budget} = file;
    const facts: [string, string][] = [
        ["Where", tierNames[tier]],
        ["Tokens", formatCount(tokens)],
    ];
    if (keptRows > 0) {
        facts.push(
            ["Kept", `${formatCount(keptRows)} rows per head (${formatShare(keptShare(file))})`],
            ["Takes", `${formatBytes(bytes)} of ${formatBytes(fullBytes)} uncut`],
            ["Refined", refined ? "yes, scored again while idle" : "not yet"],
        );
    } else if (fullBytes > 0) facts.push(["Uncut", formatBytes(fullBytes)]);
    if (budget !== undefined) facts.push(["Own budget", formatShare(budget)]);
    facts.push([
        "Attended",
        hits === 0
            ? "by no question yet"
            : formatNumberOf(hits, "time") +
              (lastAttendedMs === undefined ? "" : `, last ${formatAgo(lastAttendedMs, Date.now())}`),
    ]);
    return facts;
}
