/** What an empty conversation says: what can be asked here, or what is missing for it. */
import type {EngineView, Remedy} from "../../../extension/protocol/webview/chat.js";
import {h} from "../../shared/dom.js";
import type {ChatState} from "../chat-state.js";
import {t} from "../../shared/l10n.js";
import type {Page, View} from "../page.js";
import {button} from "./button.js";
import {errorBox} from "./error-box.js";

export function emptyView(page: Page): View {
    const element = h("section", {class: "empty", "aria-label": t("How to begin")});
    let key = "";
    return {
        element,
        update(state) {
            const {engine, context} = state;
            // Progress is shown elsewhere; only what is said here counts.
            const nextKey = JSON.stringify([
                engine?.state,
                engine?.error,
                engine?.model,
                engine?.server,
                context.samples,
            ]);
            if (nextKey === key) return;
            key = nextKey;
            element.replaceChildren(...content(page, state));
        },
    };
}

function content(page: Page, {engine, context, conversation}: ChatState): HTMLElement[] {
    const onRemedy = (remedy: Remedy) =>
        page.host.tell("remedy", {remedy, ...(conversation === undefined ? {} : {conversation: conversation.id})});
    const missing = whatIsMissing(engine, onRemedy);
    if (missing !== undefined) return missing;
    const samples = context.samples.map((question) =>
        h(
            "li",
            {},
            button({label: question, class: "sample", title: t("Ask this")}, () => {
                page.dispatch({type: "write", text: question, cursor: question.length});
                page.dispatch({type: "closeCompletion"});
                document.querySelector<HTMLTextAreaElement>(".composer textarea")?.focus();
            }),
        ),
    );
    return [
        h("h2", {}, t("Ask about this repository")),
        h(
            "p",
            {},
            engine?.server === undefined
                ? t("The model runs on this machine and keeps the files it has read: nothing is sent anywhere.")
                : t(
                      "The model runs on {0}: questions and the files that they see are sent there, and nowhere else.",
                      engine.server,
                  ),
        ),
        ...(samples.length === 0
            ? []
            : [h("ul", {class: "samples", "aria-label": t("Questions to begin with")}, samples)]),
        h("p", {class: "hint"}, t("Each answer shows the files it saw. Pin one, or leave one out, and ask again.")),
    ];
}

function whatIsMissing(engine: EngineView | undefined, onRemedy: (remedy: Remedy) => void): HTMLElement[] | undefined {
    if (engine?.state === "noFolder") {
        return [
            h("h2", {}, t("Open a folder")),
            h(
                "p",
                {},
                t(
                    "Kvasir answers from the files of a folder. Without one it can still talk, but knows nothing of your code.",
                ),
            ),
            h(
                "div",
                {class: "row"},
                button({label: t("Open a folder…")}, () => onRemedy("openFolder")),
            ),
        ];
    }
    if (engine?.state === "untrusted") {
        return [
            h("h2", {}, t("This workspace is not trusted")),
            h("p", {}, t("Kvasir reads nothing of a workspace until you trust it.")),
            h(
                "div",
                {class: "row"},
                button({label: t("Manage trust…")}, () => onRemedy("trust")),
            ),
        ];
    }
    // Not a failure: the first thing that everybody sees.
    if (engine?.state === "failed" && engine.error?.code === "model-missing") {
        return [
            h("h2", {}, t("Choose a model to begin")),
            h(
                "p",
                {},
                t(
                    "It runs on this machine. The list says which models are here already, which others fit, and what each costs; nothing is downloaded before you confirm it.",
                ),
            ),
            h(
                "div",
                {class: "row"},
                button({label: t("Choose a model…")}, () => onRemedy("chooseModel")),
            ),
            h("p", {class: "hint"}, engine.error.message),
        ];
    }
    if (engine?.state === "failed" && engine.error !== undefined) {
        return [h("h2", {}, t("The engine is not ready")), errorBox(engine.error, onRemedy, ["retry"])];
    }
    return undefined;
}
