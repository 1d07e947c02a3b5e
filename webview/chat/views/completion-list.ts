/** The list of mentions or commands over the question. The focus stays in the text: the list is told by `aria-activedescendant`. */
import {h} from "../../shared/dom.js";
import type {Completion} from "../chat-state.js";
import {t} from "../../shared/l10n.js";
import type {CompletionItem} from "../mention-list.js";
import type {Page, View} from "../page.js";
import {icon, type IconName} from "./icon.js";

const icons: Readonly<Record<string, IconName>> = {
    file: "file",
    folder: "folder",
    symbol: "symbol",
    selection: "insert",
    problems: "problem",
    terminal: "terminal",
    diff: "diff",
};

export function completionView(page: Page): View {
    const element = h("ul", {
        class: "completion",
        id: "completion",
        role: "listbox",
        "aria-label": t("Suggestions"),
        hidden: true,
    });
    let shown: Completion | undefined;
    return {
        element,
        update({completion}) {
            if (completion === shown) return;
            const isSame = completion?.items === shown?.items;
            shown = completion;
            element.hidden = completion === undefined || completion.items.length === 0;
            if (completion === undefined) return;
            if (!isSame) element.replaceChildren(...completion.items.map((item, index) => option(page, item, index)));
            for (const [index, child] of [...element.children].entries()) {
                const isSelected = index === completion.selected;
                child.setAttribute("aria-selected", String(isSelected));
                if (isSelected) child.scrollIntoView({block: "nearest"});
            }
        },
    };
}

function option(page: Page, item: CompletionItem, index: number): HTMLElement {
    const {label, detail, kind} = item;
    const name = icons[kind];
    const element = h(
        "li",
        {id: `completion-${index}`, role: "option", "aria-selected": "false"},
        name === undefined ? undefined : icon(name),
        h("span", {class: "option-label"}, label),
        h("span", {class: "detail"}, detail),
    );
    // Before the text loses the focus, which would close the list. What was seen is taken, whatever has come meanwhile.
    element.addEventListener("mousedown", (event) => {
        event.preventDefault();
        page.dispatch({type: "take", item});
    });
    return element;
}
