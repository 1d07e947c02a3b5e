/** What an answer did before its text: words, and tools with what they were given and what they said. A call waits here for its leave. */
import type {AnswerView, ToolUseView} from "../../../extension/protocol/webview/chat.js";
import {h} from "../../shared/dom.js";
import {t} from "../../shared/l10n.js";
import type {Page} from "../page.js";
import {button} from "./button.js";
import {icon} from "./icon.js";

export interface ToolSteps {
    element: HTMLElement;
    update(turn: AnswerView): void;
}

export function toolSteps(page: Page): ToolSteps {
    const element = h("div", {class: "steps"});
    const open = new Set<string>();
    let key = "";
    return {
        element,
        update(turn) {
            element.hidden = turn.steps.length === 0;
            const next = JSON.stringify([turn.steps, turn.isRunning]);
            if (next === key) return;
            key = next;
            const focused = [...element.querySelectorAll("button, summary")].indexOf(document.activeElement as Element);
            element.replaceChildren(
                ...turn.steps.flatMap(({text, calls}, i) => [
                    ...(text.trim() === "" ? [] : [h("p", {class: "step-text"}, text.trim())]),
                    ...calls.map((use) => toolUse(turn, use, `${i} ${use.id}`)),
                ]),
            );
            const all = [...element.querySelectorAll<HTMLElement>("button, summary")];
            if (focused !== -1) all[Math.min(focused, all.length - 1)]?.focus();
        },
    };

    function toolUse(turn: AnswerView, use: ToolUseView, id: string): HTMLElement {
        // A turn that ended meanwhile, with its window or by a stop, waits for nobody.
        const isWaiting = use.state === "asked" && turn.isRunning;
        const decide = (isAllowed: boolean) =>
            page.host.tell("decideTool", {
                conversation: page.state().conversation?.id ?? "",
                turn: turn.id,
                call: use.id,
                isAllowed,
            });
        const box = h(
            "details",
            {class: `tool-use ${use.state}`, open: isWaiting || open.has(id)},
            h(
                "summary",
                {},
                icon("chevron"),
                h("code", {}, use.name),
                h("span", {class: "detail"}, stateWords(use.state, isWaiting)),
            ),
            h("h3", {}, t("Given")),
            h("pre", {tabindex: 0}, use.arguments),
            ...(use.result === undefined ? [] : [h("h3", {}, t("Result")), h("pre", {tabindex: 0}, use.result)]),
        );
        if (!isWaiting) {
            box.addEventListener("toggle", () => (box.open ? open.add(id) : open.delete(id)));
            return box;
        }
        return h(
            "div",
            {class: "tool-question", role: "group", "aria-label": t("May {0} run?", use.name)},
            box,
            h(
                "div",
                {class: "turn-tools"},
                button({label: t("Allow")}, () => decide(true)),
                button({label: t("Refuse"), class: "secondary"}, () => decide(false)),
            ),
        );
    }
}

function stateWords(state: ToolUseView["state"], isWaiting: boolean): string {
    switch (state) {
        case "asked":
            return isWaiting ? t("wants to run") : t("was not run");
        case "running":
            return t("is running…");
        case "done":
            return t("has run");
        case "failed":
            return t("failed");
        case "refused":
            return t("was refused");
    }
}
