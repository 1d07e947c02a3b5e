/** The turns of the conversation, newest last. Follows the end while one reads there, and stays where one has scrolled. */
import type {TurnView} from "../../../extension/protocol/webview/chat.js";
import {h} from "../../shared/dom.js";
import {isRunning, type ChatState} from "../chat-state.js";
import {t} from "../../shared/l10n.js";
import type {Page, View} from "../page.js";
import {answerView, type TurnElement} from "./answer.js";
import {button} from "./button.js";
import {questionView} from "./question.js";
import {reviewView} from "./review.js";

/** Nearer to the end than this one is reading along. */
const nearPx = 60;

export function conversationView(page: Page, empty: View): View {
    const list = h("div", {class: "turns"});
    const loose = h("div", {class: "loose-reviews"});
    const down = button({label: t("To the newest"), icon: "down", class: "to-end"}, () => toEnd("smooth"));
    const scroller = h(
        "main",
        {class: "scroller", "aria-label": t("Conversation"), tabindex: -1},
        empty.element,
        list,
        loose,
    );
    const element = h("div", {class: "conversation"}, scroller, down);
    const answers = new Map<string, TurnElement<Extract<TurnView, {role: "assistant"}>>>();
    const questions = new Map<string, {of: TurnView; isEditing: boolean; isBusy: boolean; element: HTMLElement}>();
    let isFollowing = true;
    let shown: ChatState | undefined;

    const toEnd = (behavior: ScrollBehavior = "auto") => {
        isFollowing = true;
        scroller.scrollTo({top: scroller.scrollHeight, behavior});
    };
    const showDown = () => {
        const isAway = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight > nearPx;
        // The first words of an empty conversation are read from their beginning.
        down.hidden = !isAway || list.childElementCount === 0;
        return isAway;
    };
    scroller.addEventListener("scroll", () => (isFollowing = !showDown()));
    scroller.addEventListener("keydown", (event) => {
        if (!event.altKey || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
        const turns = [...list.children] as HTMLElement[];
        const at = turns.findIndex((turn) => turn.contains(document.activeElement));
        const by = event.key === "ArrowUp" ? -1 : 1;
        const target = turns[at === -1 ? turns.length - 1 : Math.max(0, Math.min(turns.length - 1, at + by))];
        event.preventDefault();
        target?.focus();
        target?.scrollIntoView({block: "nearest"});
    });

    const elementOf = (turn: TurnView, state: ChatState, isLast: boolean, isBusy: boolean): HTMLElement => {
        if (turn.role === "assistant") {
            let view = answers.get(turn.id);
            if (view === undefined) answers.set(turn.id, (view = answerView(page)));
            view.update(
                turn,
                state.reviews.filter((review) => review.turn === turn.id),
                isLast,
            );
            return view.element;
        }
        const isEditing = state.editing?.turn === turn.id;
        const known = questions.get(turn.id);
        if (known?.of === turn && known.isEditing === isEditing && known.isBusy === isBusy) return known.element;
        const element = questionView(page, turn, isEditing, isBusy);
        questions.set(turn.id, {of: turn, isEditing, isBusy, element});
        return element;
    };

    return {
        element,
        update(state) {
            const before = shown;
            shown = state;
            if (
                before !== undefined &&
                before.conversation === state.conversation &&
                before.reviews === state.reviews &&
                before.editing === state.editing &&
                before.context.pinned === state.context.pinned &&
                before.engine === state.engine &&
                before.context.samples === state.context.samples
            ) {
                return;
            }
            const turns = state.conversation?.turns ?? [];
            const isBusy = isRunning(state);
            const isOther = before?.conversation?.id !== state.conversation?.id;
            const isNew = turns.length > (before?.conversation?.turns.length ?? 0);
            empty.element.hidden = turns.length > 0 || state.conversation === undefined;
            if (!empty.element.hidden) empty.update(state);
            place(
                list,
                turns.map((turn, index) => elementOf(turn, state, index === turns.length - 1, isBusy)),
            );
            const ids = new Set(turns.map(({id}) => id));
            for (const id of answers.keys()) if (!ids.has(id)) answers.delete(id);
            for (const id of questions.keys()) if (!ids.has(id)) questions.delete(id);
            const looseNow = state.reviews.filter(
                ({turn, conversation}) => turn === undefined && conversation === state.conversation?.id,
            );
            if (before?.reviews !== state.reviews || isOther)
                loose.replaceChildren(...looseNow.map((review) => reviewView(page, review, undefined)));
            if (turns.length === 0) scroller.scrollTop = 0;
            else if (isOther || isNew || isFollowing) toEnd();
            showDown();
        },
    };
}

/** The elements in this order, moving only those that are elsewhere: moving one would take the focus away. */
function place(parent: HTMLElement, elements: readonly HTMLElement[]): void {
    for (const [index, element] of elements.entries()) {
        const at = parent.children[index];
        if (at === element) continue;
        if (at !== undefined && !elements.includes(at as HTMLElement)) at.replaceWith(element);
        else parent.insertBefore(element, at ?? null);
    }
    while (parent.children.length > elements.length) parent.lastElementChild?.remove();
}
