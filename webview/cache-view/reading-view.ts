/** What is being read now: how far, how long still, and pause and cancel. */
import {t} from "../shared/l10n.js";
import {announce} from "../shared/accessibility.js";
import {h} from "../shared/dom.js";
import {formatCount, formatSeconds} from "./format.js";
import type {PageContext, View} from "./page-context.js";
import type {PageState} from "./state.js";

export function createReadingView({actOnEngine}: PageContext): View {
    const title = h("span", {class: "reading-title"});
    const bar = h("progress", {max: 1, value: 0, "aria-label": t("Reading")});
    const facts = h("span", {class: "facts"});
    const pause = h("button", {type: "button", class: "secondary"}, t("Pause"));
    const cancel = h("button", {type: "button", class: "secondary"}, t("Cancel"));
    pause.addEventListener("click", () => actOnEngine("pause"));
    cancel.addEventListener("click", () => actOnEngine("cancelReading"));
    const element = h(
        "section",
        {class: "reading", "aria-label": t("Reading")},
        h("div", {class: "reading-line"}, title, facts),
        h("div", {class: "reading-line"}, bar, pause, cancel),
    );
    element.hidden = true;
    return {
        element,
        update({cache}: PageState) {
            // What an engine said before it ended is no progress.
            const progress = cache?.connection.name === "connected" ? cache.engine?.progress : undefined;
            const wasReading = !element.hidden;
            element.hidden = progress === undefined || progress.filesTotal === 0;
            if (progress === undefined) {
                if (wasReading) announce(t("Reading has ended."));
                return;
            }
            const {filesDone, filesTotal, tokensDone, tokensTotal, path, secondsLeft, measuredShare} = progress;
            if (measuredShare !== undefined) {
                title.textContent = t("Measuring once what each head of this model needs");
                bar.value = measuredShare;
                facts.textContent = "";
                return;
            }
            title.textContent = path === undefined ? t("Reading") : t("Reading {0}", path);
            title.title = title.textContent;
            bar.value = tokensTotal > 0 ? tokensDone / tokensTotal : 0;
            facts.textContent = [
                t("{0} of {1} files", formatCount(filesDone), formatCount(filesTotal)),
                t("{0} of {1} tokens", formatCount(tokensDone), formatCount(tokensTotal)),
                ...(secondsLeft === undefined ? [] : [t("{0} left", formatSeconds(secondsLeft))]),
            ].join(" · ");
        },
    };
}
