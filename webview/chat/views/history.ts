/** The list of conversations: searched, opened, deleted, by keyboard too. */
import type {ConversationEntry} from "../../../extension/protocol/webview/chat.js";
import {roveFocus} from "../../shared/accessibility.js";
import {h} from "../../shared/dom.js";
import {t} from "../../shared/l10n.js";
import type {Page, View} from "../page.js";
import {button} from "./button.js";
import {icon} from "./icon.js";

export function historyView(page: Page): View {
    const field = h("input", {
        type: "search",
        placeholder: t("Search the conversations"),
        "aria-label": t("Search the conversations"),
    });
    const list = h("ul", {class: "entries", "aria-label": t("Conversations")});
    const state = h("p", {class: "hint", role: "status"});
    const element = h(
        "section",
        {class: "history", "aria-label": t("Conversations"), hidden: true},
        h(
            "div",
            {class: "history-head"},
            h("h2", {}, t("Conversations")),
            button({label: t("Back to the conversation"), icon: "close", isIconOnly: true}, () => back()),
        ),
        h("div", {class: "search"}, icon("search"), field),
        list,
        state,
    );
    let isOpen = false;
    let shown: readonly ConversationEntry[] | undefined;
    let current: string | undefined;
    roveFocus(list, ".entry-open");
    const back = () => {
        page.dispatch({type: "history", isOpen: false});
        document.querySelector<HTMLElement>(".composer textarea")?.focus();
    };
    field.addEventListener("input", () => {
        page.dispatch({type: "search", search: field.value});
        load(page, field.value);
    });
    element.addEventListener("keydown", (event) => {
        if (event.key === "Escape") {
            event.stopPropagation();
            back();
        } else if (event.key === "ArrowDown" && event.target === field) {
            event.preventDefault();
            list.querySelector<HTMLElement>(".entry-open")?.focus();
        } else if (event.key === "Delete") {
            const entry = (event.target as HTMLElement).closest<HTMLElement>("[data-conversation]");
            if (entry?.dataset.conversation !== undefined) remove(page, entry.dataset.conversation);
        }
    });
    return {
        element,
        update({history, conversation, deleted}) {
            element.hidden = history === undefined;
            if (history === undefined) {
                isOpen = false;
                shown = undefined;
                return;
            }
            if (!isOpen) {
                isOpen = true;
                field.value = history.search;
                load(page, history.search);
                queueMicrotask(() => field.focus());
            }
            if (history.entries === shown && current === conversation?.id) return;
            shown = history.entries;
            current = conversation?.id;
            const entries = (history.entries ?? []).filter(({id}) => id !== deleted?.conversation);
            list.replaceChildren(
                ...entries.map((entry, index) => entryView(page, entry, index === 0, entry.id === current)),
            );
            state.textContent =
                history.entries === undefined
                    ? t("Searching…")
                    : entries.length > 0
                      ? ""
                      : history.search === ""
                        ? t("There are no conversations yet.")
                        : t("No conversation has all of these words.");
        },
    };
}

function entryView(
    page: Page,
    {id, name, updatedAtMs, nTurns, isRunning}: ConversationEntry,
    isFirst: boolean,
    isCurrent: boolean,
): HTMLElement {
    const when = relativeTime(updatedAtMs, Date.now());
    const open = button({label: name, class: "entry-open quiet", title: name}, () => {
        page.host.tell("openConversation", {conversation: id});
        page.dispatch({type: "history", isOpen: false});
    });
    open.tabIndex = isFirst ? 0 : -1;
    if (isCurrent) open.setAttribute("aria-current", "true");
    open.append(
        h(
            "span",
            {class: "detail"},
            isRunning ? t("being answered") : when,
            nTurns > 2 ? ` · ${t("{0} questions", Math.ceil(nTurns / 2))}` : undefined,
        ),
    );
    return h(
        "li",
        {class: isCurrent ? "entry current" : "entry", "data-conversation": id},
        open,
        button({label: t("Delete {0}", name), icon: "trash", isIconOnly: true}, () => remove(page, id)),
    );
}

function remove(page: Page, id: string): void {
    page.host.tell("deleteConversation", {conversation: id});
    const {history} = page.state();
    if (history?.entries === undefined) return;
    page.dispatch({
        type: "entries",
        search: history.search,
        entries: history.entries.filter((entry) => entry.id !== id),
    });
}

function load(page: Page, search: string): void {
    page.host.ask("history", {search}).then(
        (entries) => page.dispatch({type: "entries", search, entries}),
        () => page.dispatch({type: "entries", search, entries: []}),
    );
}

/** "5 minutes ago", in the editor's language. */
export function relativeTime(thenMs: number, nowMs: number): string {
    const format = new Intl.RelativeTimeFormat(document.documentElement.lang || "en", {numeric: "auto"});
    const minutes = (thenMs - nowMs) / 60_000;
    if (minutes > -1) return t("just now");
    if (minutes > -60) return format.format(Math.round(minutes), "minute");
    if (minutes > -60 * 24) return format.format(Math.round(minutes / 60), "hour");
    if (minutes > -60 * 24 * 45) return format.format(Math.round(minutes / 60 / 24), "day");
    return format.format(Math.round(minutes / 60 / 24 / 30), "month");
}
