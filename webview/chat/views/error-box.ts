/** A failure: what happened, the way out, and buttons that take it. */
import type {ErrorView, Remedy} from "../../../extension/protocol/webview/chat.js";
import {h} from "../../shared/dom.js";
import {t} from "../../shared/l10n.js";
import {button} from "./button.js";
import {icon} from "./icon.js";

export function errorBox(
    {code, message, fix, remedies}: ErrorView,
    onRemedy: (remedy: Remedy) => void,
    without: readonly Remedy[] = [],
): HTMLElement {
    const labels: Record<Remedy, string> = {
        retry: t("Try again"),
        chooseModel: t("Choose a model…"),
        restartEngine: t("Restart the engine"),
        doctor: t("Run the doctor"),
        showLog: t("Show the log"),
        settings: t("Open the settings"),
        newConversation: t("Begin a new conversation"),
        trust: t("Manage trust…"),
        openFolder: t("Open a folder…"),
        resume: t("Resume reading"),
    };
    const offered = remedies.filter((remedy) => !without.includes(remedy));
    return h(
        "div",
        {class: "error-box", role: "alert", "data-code": code},
        icon("error"),
        h(
            "div",
            {},
            h("p", {class: "error-message"}, message),
            fix === undefined ? undefined : h("p", {}, fix),
            h(
                "div",
                {class: "row"},
                offered.map((remedy, index) =>
                    button({label: labels[remedy], class: index === 0 ? "" : "secondary"}, () => onRemedy(remedy)),
                ),
            ),
        ),
    );
}
