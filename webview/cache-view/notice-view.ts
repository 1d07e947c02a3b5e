/** The notice above the numbers, and the failure of the last action. */
import {t} from "../shared/l10n.js";
import {announce} from "../shared/accessibility.js";
import {h} from "../shared/dom.js";
import {noticeOf} from "./notice.js";
import type {PageContext, View} from "./page-context.js";
import type {PageState} from "./state.js";

export function createNoticeView({store, actOnEngine}: PageContext): View {
    const notice = h("div", {class: "notice-place"});
    const failure = h("div", {class: "notice-place"});
    const element = h("section", {class: "notices", "aria-label": t("Notices")}, notice, failure);
    let shown = "";
    let shownFailure: PageState["error"];

    function showNotice(state: PageState): void {
        const next = noticeOf(state);
        // Buttons that are rebuilt with every message would lose the focus.
        const key = JSON.stringify(next ?? null);
        if (key === shown) return;
        shown = key;
        notice.replaceChildren();
        if (next === undefined) return;
        const {kind, title, text, steps} = next;
        const box = h(
            "div",
            {class: `notice ${kind}`, role: kind === "error" ? "alert" : "status"},
            h("strong", {}, title),
            text === "" ? undefined : h("p", {}, text),
        );
        if (steps.length > 0) {
            box.append(
                h(
                    "div",
                    {class: "steps"},
                    steps.map(({label, action}, at) => {
                        const button = h("button", {type: "button", class: at === 0 ? "" : "secondary"}, label);
                        button.addEventListener("click", () => actOnEngine(action));
                        return button;
                    }),
                ),
            );
        }
        notice.append(box);
    }

    function showFailure({error}: PageState): void {
        if (error === shownFailure) return;
        shownFailure = error;
        failure.replaceChildren();
        if (error === undefined) return;
        const dismiss = h("button", {type: "button", class: "secondary"}, t("Dismiss"));
        dismiss.addEventListener("click", () => store.dispatch({name: "dismissError"}));
        const log = h("button", {type: "button", class: "secondary"}, t("Show Log"));
        log.addEventListener("click", () => actOnEngine("showLog"));
        failure.append(
            h(
                "div",
                {class: "notice error"},
                h("strong", {}, t("That did not work")),
                h("p", {}, [error.message, error.fix].filter((part) => part !== undefined).join(" ")),
                h("div", {class: "steps"}, dismiss, log),
            ),
        );
        announce(`${t("That did not work")}: ${error.message}`, "assertive");
    }

    return {
        element,
        update(state) {
            showNotice(state);
            showFailure(state);
        },
    };
}
