/** A question as it was asked: its mentions open files; it can be written anew. */
import type {QuestionView} from "../../../extension/protocol/webview/chat.js";
import {h} from "../../shared/dom.js";
import {t} from "../../shared/l10n.js";
import type {Page} from "../page.js";
import {branchSwitch} from "./branch-switch.js";
import {button} from "./button.js";
import {icon} from "./icon.js";

export function questionView(page: Page, turn: QuestionView, isEditing: boolean, isRunning: boolean): HTMLElement {
    const conversation = page.state().conversation?.id ?? "";
    const body = isEditing
        ? editForm(page, turn, conversation)
        : h("div", {class: "question-text"}, marked(page, turn));
    const tools = h(
        "div",
        {class: "turn-tools"},
        branchSwitch(page, turn, isRunning),
        isEditing || isRunning
            ? undefined
            : button({label: t("Edit and ask again"), icon: "edit", isIconOnly: true}, () =>
                  page.dispatch({type: "edit", turn: turn.id}),
              ),
    );
    const attached = turn.attached.map(({label, path, line}) =>
        path === undefined
            ? h("span", {class: "chip"}, label)
            : button({label, class: "chip", title: t("Open {0}", label)}, () =>
                  page.host.tell("openFile", {path, ...(line === undefined || line < 1 ? {} : {line})}),
              ),
    );
    const excluded = turn.excluded.map((path) =>
        h("span", {class: "chip struck", title: path}, t("without {0}", path)),
    );
    return h(
        "article",
        {class: "turn question", "aria-label": t("Question"), tabindex: -1},
        h("h2", {class: "visually-hidden"}, t("Question")),
        body,
        attached.length + excluded.length > 0 ? h("div", {class: "chips"}, attached, excluded) : undefined,
        tools,
    );
}

/** The text with its mentions as links. */
function marked(page: Page, {text, mentions}: QuestionView): (Node | string)[] {
    const parts: (Node | string)[] = [];
    let from = 0;
    for (const {start, end, path} of mentions) {
        parts.push(text.slice(from, start));
        const words = text.slice(start, end);
        parts.push(
            path === undefined
                ? h("span", {class: "mention"}, words)
                : button({label: words, class: "link mention", title: t("Open {0}", path)}, () =>
                      page.host.tell("openFile", {path}),
                  ),
        );
        from = end;
    }
    parts.push(text.slice(from));
    return parts;
}

function editForm(page: Page, turn: QuestionView, conversation: string): HTMLElement {
    const area = h("textarea", {class: "edit-area", rows: 2, "aria-label": t("The question, to be written anew")});
    area.value = page.state().editing?.text ?? turn.text;
    const cancel = () => page.dispatch({type: "edit", turn: undefined});
    const send = () => {
        if (area.value.trim() === "") return;
        page.host.tell("edit", {conversation, turn: turn.id, text: area.value});
        cancel();
    };
    area.addEventListener("keydown", (event) => {
        if (event.key === "Escape") cancel();
        else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
            event.preventDefault();
            send();
        }
    });
    queueMicrotask(() => {
        area.focus();
        area.setSelectionRange(area.value.length, area.value.length);
    });
    return h(
        "div",
        {class: "edit-form"},
        area,
        h("p", {class: "hint"}, icon("history"), t("What followed is kept: the arrows beside the question show it.")),
        h(
            "div",
            {class: "row"},
            button({label: t("Ask again")}, send),
            button({label: t("Cancel"), class: "secondary"}, cancel),
        ),
    );
}
