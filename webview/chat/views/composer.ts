/** Where a question is written: completion of mentions and commands, what it will see, send and stop. */
import {announce} from "../../shared/accessibility.js";
import {h} from "../../shared/dom.js";
import {isRunning, type ChatState} from "../chat-state.js";
import {isAwaited} from "../mention-list.js";
import {t} from "../../shared/l10n.js";
import type {Page, View} from "../page.js";
import {button} from "./button.js";
import {completionView} from "./completion-list.js";
import {icon} from "./icon.js";

const draftMs = 400;

export function composerView(page: Page): View {
    const area = h("textarea", {
        rows: 1,
        placeholder: t("Your question (@ names files and more, / runs a command)"),
        "aria-label": t("Question"),
        "aria-autocomplete": "list",
        "aria-haspopup": "listbox",
        "aria-controls": "completion",
    });
    const completion = completionView(page);
    const chips = h("div", {class: "chips", role: "group", "aria-label": t("What the answer will see")});
    const model = h("span", {class: "model"});
    const send = button({label: t("Ask (Enter)"), icon: "send", isIconOnly: true, class: "send"}, () => submit(page));
    const stop = button({label: t("Stop (Escape)"), icon: "stop", isIconOnly: true, class: "stop"}, () =>
        stopAnswer(page),
    );
    const attach = button({label: t("Name a file, folder, symbol, selection…"), icon: "at", isIconOnly: true}, () => {
        page.dispatch({type: "insert", text: "@"});
        const {text, cursor} = page.state();
        // The space that sets an insertion apart would end the mention.
        const tight = text.slice(0, cursor).replace(/@ $/, "@") + text.slice(cursor);
        page.dispatch({type: "write", text: tight, cursor: text.slice(0, cursor).replace(/@ $/, "@").length});
        area.focus();
    });
    const element = h(
        "footer",
        {class: "composer"},
        chips,
        h(
            "div",
            {class: "box"},
            completion.element,
            area,
            h("div", {class: "box-row"}, attach, model, h("span", {class: "space"}), stop, send),
        ),
    );
    let endDraft: ReturnType<typeof setTimeout> | undefined;
    let asked = 0;
    /** Pressed before there were items for the letters, in this text. */
    let held: {key: TakingKey; text: string} | undefined;
    let chipKey = "";
    let spoken: unknown;

    const write = () => page.dispatch({type: "write", text: area.value, cursor: area.selectionStart});
    const closeList = () => {
        held = undefined;
        page.dispatch({type: "closeCompletion"});
    };
    area.addEventListener("input", () => {
        write();
        clearTimeout(endDraft);
        endDraft = setTimeout(() => tellDraft(page), draftMs);
    });
    // Moving the cursor out of a mention closes its list.
    area.addEventListener("keyup", (event) => {
        if (/^(?:Arrow(?:Left|Right)|Home|End)$/.test(event.key)) write();
    });
    area.addEventListener("click", write);
    // A list that was closed because the focus went comes back with it.
    area.addEventListener("focus", write);
    area.addEventListener("blur", closeList);
    area.addEventListener("keydown", (event) =>
        onKey(event, page, {closeList, hold: (key) => (held = {key, text: area.value})}),
    );
    addDropping(element, page, () => area.focus());

    const showText = ({text, cursor}: ChatState) => {
        if (area.value === text) return;
        area.value = text;
        area.setSelectionRange(cursor, cursor);
    };

    return {
        element,
        // A key that comes before the next frame is typed into the new text: a mention that was just taken stays.
        atOnce: showText,
        update(state) {
            showText(state);
            completion.update(state);
            const list = state.completion;
            const isListOpen = list !== undefined && list.items.length > 0;
            if (isListOpen && list.items !== spoken) announce(t("{0} suggestions", list.items.length));
            spoken = isListOpen ? list.items : undefined;
            if (isListOpen) area.setAttribute("aria-activedescendant", `completion-${list.selected}`);
            else area.removeAttribute("aria-activedescendant");
            if (list?.asked !== undefined && list.asked.number !== asked) {
                asked = list.asked.number;
                askMentions(page, list.word.letters, asked);
            }
            if (held !== undefined && (list === undefined || !isAwaited(list))) {
                const {key, text} = held;
                held = undefined;
                if (state.text === text) takeOrAsk(page, key);
            }
            const isBusy = isRunning(state);
            stop.hidden = !isBusy;
            send.hidden = isBusy;
            send.disabled = state.text.trim() === "";
            model.textContent = state.engine?.model ?? "";
            const key = JSON.stringify([
                state.context.active,
                state.context.pinned,
                state.context.open,
                state.excluded,
            ]);
            if (key !== chipKey) {
                chipKey = key;
                const focused = [...chips.querySelectorAll("button")].indexOf(
                    document.activeElement as HTMLButtonElement,
                );
                chips.replaceChildren(...chipsOf(page, state));
                if (focused !== -1) chips.querySelectorAll("button")[focused]?.focus();
            }
        },
    };
}

function submit(page: Page): void {
    const state = page.state();
    const {conversation, text, excluded} = state;
    if (conversation === undefined || text.trim() === "" || isRunning(state)) return;
    page.host.tell("send", {conversation: conversation.id, text, excluded: [...excluded]});
    page.dispatch({type: "sent"});
}

function stopAnswer(page: Page): void {
    page.host.tell("stop", {conversation: page.state().conversation?.id ?? ""});
}

function tellDraft(page: Page): void {
    const {conversation, text} = page.state();
    if (conversation !== undefined) page.host.tell("draft", {conversation: conversation.id, text});
}

function askMentions(page: Page, letters: string, number: number): void {
    for (const [name, of] of [
        ["mentions", "places"],
        ["symbols", "symbols"],
    ] as const) {
        page.host.ask(name, {letters}).then(
            (items) => page.dispatch({type: "mentions", number, of, items}),
            () => page.dispatch({type: "mentions", number, of, items: []}),
        );
    }
}

/** Keys that take an item of the list; without one, Enter asks the question. */
type TakingKey = "Enter" | "Tab";

function takeOrAsk(page: Page, key: TakingKey): void {
    if ((page.state().completion?.items.length ?? 0) > 0) page.dispatch({type: "take"});
    else if (key === "Enter") submit(page);
}

function onKey(event: KeyboardEvent, page: Page, list: {closeList: () => void; hold: (key: TakingKey) => void}): void {
    if (event.isComposing) return;
    const state = page.state();
    const hasList = (state.completion?.items.length ?? 0) > 0;
    const done = () => {
        event.preventDefault();
        event.stopPropagation();
    };
    switch (event.key) {
        case "ArrowDown":
        case "ArrowUp":
            if (hasList) {
                done();
                page.dispatch({type: "select", by: event.key === "ArrowDown" ? 1 : -1});
            } else if (event.key === "ArrowUp" && state.text === "") {
                const last = state.conversation?.turns.filter(({role}) => role === "user").at(-1);
                if (last === undefined || isRunning(state)) return;
                done();
                page.dispatch({type: "edit", turn: last.id});
            }
            break;
        case "Tab":
        case "Enter":
            if (state.completion !== undefined && isAwaited(state.completion) && !event.shiftKey) {
                done();
                list.hold(event.key);
            } else if (hasList && !event.shiftKey) {
                done();
                page.dispatch({type: "take"});
            } else if (event.key === "Enter" && !event.shiftKey && !event.altKey) {
                done();
                submit(page);
            }
            break;
        case "Escape":
            if (state.completion !== undefined) {
                done();
                list.closeList();
            } else if (isRunning(state)) {
                done();
                stopAnswer(page);
            }
            break;
        default:
    }
}

/** The active file, its selection, the pins: each can be taken out of the next question, or put into it. */
function chipsOf(page: Page, {context, excluded}: ChatState): HTMLElement[] {
    const {active, pinned, open} = context;
    const chips: HTMLElement[] = [];
    if (active !== undefined && !pinned.includes(active.path)) {
        const isOut = excluded.includes(active.path);
        const chip = button(
            {
                label: baseName(active.path),
                icon: isOut ? "add" : "file",
                class: isOut ? "chip struck" : "chip",
                title: isOut
                    ? t("{0} is left out. Click to let the answer see it", active.path)
                    : t("The answer sees {0}. Click to leave it out", active.path),
                isPressed: !isOut,
            },
            () => page.dispatch({type: "exclude", path: active.path, isExcluded: !isOut}),
        );
        chips.push(chip);
    }
    if (active?.selection !== undefined) {
        const {startLine, endLine} = active.selection;
        const lines = startLine === endLine ? t("line {0}", startLine) : t("lines {0}-{1}", startLine, endLine);
        chips.push(
            button({label: lines, icon: "add", class: "chip", title: t("Add the selection to the question")}, () => {
                page.dispatch({type: "insert", text: "@selection"});
                document.querySelector<HTMLElement>(".composer textarea")?.focus();
            }),
        );
    }
    for (const path of pinned.slice(0, 6)) {
        chips.push(
            button(
                {
                    label: baseName(path),
                    icon: "pinned",
                    class: "chip",
                    title: t("{0} is pinned. Click to take the pin off", path),
                    isPressed: true,
                },
                () => page.host.tell("pin", {path, isPinned: false}),
            ),
        );
    }
    if (pinned.length > 6) chips.push(h("span", {class: "chip"}, icon("pinned"), t("{0} more", pinned.length - 6)));
    const others = open - (active === undefined ? 0 : 1);
    if (others > 0)
        chips.push(h("span", {class: "chip plain"}, others === 1 ? t("1 more open") : t("{0} more open", others)));
    return chips;
}

/** Files dropped on the panel become mentions. VS Code wants Shift held for a drop into a view. */
function addDropping(element: HTMLElement, page: Page, onDone: () => void): void {
    const target = document.body;
    target.addEventListener("dragover", (event) => {
        event.preventDefault();
        element.classList.add("dropping");
    });
    target.addEventListener("dragleave", (event) => {
        if (event.relatedTarget === null) element.classList.remove("dropping");
    });
    target.addEventListener("drop", (event) => {
        event.preventDefault();
        element.classList.remove("dropping");
        const uris = droppedUris(event.dataTransfer);
        if (uris.length === 0) return;
        page.host.ask("drop", {uris}).then(
            ({mentions, nOutside}) => {
                if (mentions.length > 0) page.dispatch({type: "insert", text: mentions.join(" ")});
                if (nOutside > 0) {
                    page.dispatch({
                        type: "news",
                        text:
                            nOutside === 1
                                ? t("One file is not among those that Kvasir reads.")
                                : t("{0} files are not among those that Kvasir reads.", nOutside),
                    });
                }
                onDone();
            },
            () => undefined,
        );
    });
}

export function droppedUris(data: DataTransfer | null): string[] {
    if (data === null) return [];
    const list = data.getData("application/vnd.code.uri-list") || data.getData("text/uri-list");
    const uris = list.split(/\r?\n/).filter((line) => line !== "" && !line.startsWith("#"));
    return uris.slice(0, 200);
}

function baseName(path: string): string {
    return path.slice(path.lastIndexOf("/") + 1);
}
