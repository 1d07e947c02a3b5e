/** An answer: its reasoning folded, its text as it comes, what became of it, and what it saw. */
import type {AnswerView, ReviewView} from "../../../extension/protocol/webview/chat.js";
import {h} from "../../shared/dom.js";
import {t} from "../../shared/l10n.js";
import type {Page} from "../page.js";
import {answerReport, compact} from "./answer-report.js";
import {branchSwitch} from "./branch-switch.js";
import {button} from "./button.js";
import {errorBox} from "./error-box.js";
import {icon} from "./icon.js";
import {markdownView} from "./markdown-view.js";
import {reviewView} from "./review.js";
import {toolSteps} from "./tool-steps.js";

export interface TurnElement<T> {
    element: HTMLElement;
    update(turn: T, reviews: readonly ReviewView[], isLast: boolean): void;
}

export function answerView(page: Page): TurnElement<AnswerView> {
    const conversation = () => page.state().conversation?.id ?? "";
    let turn: AnswerView | undefined;
    let wasLast: boolean | undefined;
    let wasPinned: readonly string[] | undefined;
    let isThoughtOpen = false;
    let isSawOpen = false;
    const text = markdownView({
        onBlock: (index, action) =>
            page.host.tell("block", {conversation: conversation(), turn: turn?.id ?? "", index, action}),
        onFile: (path, line) => page.host.tell("openFile", {path, ...(line === undefined ? {} : {line})}),
        onLink: (url) => page.host.tell("openLink", {url}),
    });
    const thought = h("div", {class: "thought-text"});
    const thoughtSummary = h("span");
    const thoughtBox = h("details", {class: "thought"}, h("summary", {}, icon("chevron"), thoughtSummary), thought);
    thoughtBox.addEventListener("toggle", () => (isThoughtOpen = thoughtBox.open));
    const steps = toolSteps(page);
    const state = h("div", {class: "answer-state"});
    const end = h("div", {class: "answer-end"});
    const element = h(
        "article",
        {class: "turn answer", "aria-label": t("Answer"), tabindex: -1},
        h("h2", {class: "visually-hidden"}, t("Answer")),
        thoughtBox,
        steps.element,
        text.element,
        state,
        end,
    );
    let endKey = "";
    const reviewElements = new Map<string, {review: ReviewView; element: HTMLElement}>();

    return {
        element,
        update(next, reviews, isLast) {
            const {pinned} = page.state().context;
            updateReviews(reviews);
            // A long conversation has many answers, and only one of them grows.
            if (next === turn && isLast === wasLast && pinned === wasPinned) return;
            turn = next;
            wasLast = isLast;
            wasPinned = pinned;
            element.setAttribute("aria-busy", String(next.isRunning));
            element.classList.toggle("running", next.isRunning);
            thoughtBox.hidden = next.thought === "";
            if (!thoughtBox.hidden) {
                const isThinking = next.isRunning && next.text === "";
                thoughtSummary.textContent = isThinking ? t("Thinking…") : t("Thought");
                thoughtBox.open = isThoughtOpen;
                if (thought.textContent !== next.thought) thought.textContent = next.thought;
            }
            steps.update(next);
            text.update(next);
            state.replaceChildren(...runningState(next));
            // Only what changed is made anew: an open list stays open, and the focus where it is.
            const key = next.isRunning ? "running" : JSON.stringify([{...next, text: ""}, pinned, isLast]);
            if (key !== endKey) {
                endKey = key;
                const focused = [...end.querySelectorAll("button, summary")].indexOf(document.activeElement as Element);
                end.replaceChildren(...endOf(next, isLast));
                if (focused !== -1) [...end.querySelectorAll<HTMLElement>("button, summary")][focused]?.focus();
            }
        },
    };

    function endOf(next: AnswerView, isLast: boolean): HTMLElement[] {
        if (next.isRunning) return [];
        const again = () => page.host.tell("again", {conversation: conversation(), turn: next.id});
        const nEdits = new Set(
            next.blocks
                .filter(({actions}) => actions[0] === "apply" || actions[0] === "create")
                .map(({path, index}) => path ?? index),
        ).size;
        const parts: HTMLElement[] = [];
        if (next.error !== undefined) {
            parts.push(
                errorBox(next.error, (remedy) =>
                    remedy === "retry" ? again() : page.host.tell("remedy", {remedy, conversation: conversation()}),
                ),
            );
        } else if (next.isPartial) parts.push(h("p", {class: "note"}, icon("stop"), t("Stopped before its end.")));
        else if (next.text.trim() === "" && next.steps.length === 0)
            parts.push(h("p", {class: "note"}, icon("problem"), t("The model answered nothing.")));
        parts.push(
            h(
                "div",
                {class: "turn-tools"},
                branchSwitch(page, next, false),
                nEdits > 1
                    ? button({label: t("Review all {0} edits", nEdits), icon: "diff", class: "quiet tool"}, () =>
                          page.host.tell("applyAll", {conversation: conversation(), turn: next.id}),
                      )
                    : undefined,
                next.text === ""
                    ? undefined
                    : button({label: t("Copy the answer"), icon: "copy", isIconOnly: true}, () =>
                          page.host.tell("copyAnswer", {conversation: conversation(), turn: next.id}),
                      ),
                button(
                    {label: isLast ? t("Ask again") : t("Ask again from here"), icon: "restart", isIconOnly: true},
                    again,
                ),
            ),
        );
        if (next.report !== undefined || next.attended !== undefined) {
            parts.push(answerReport(page, next, isSawOpen, (isOpen) => (isSawOpen = isOpen)));
        }
        return parts;
    }

    function updateReviews(reviews: readonly ReviewView[]): void {
        for (const [id, {element: old}] of reviewElements) {
            if (reviews.some((review) => review.id === id)) continue;
            old.remove();
            reviewElements.delete(id);
        }
        for (const review of reviews) {
            const known = reviewElements.get(review.id);
            if (known?.review === review) continue;
            const made = reviewView(page, review, known?.element);
            if (known === undefined) element.insertBefore(made, end);
            else known.element.replaceWith(made);
            reviewElements.set(review.id, {review, element: made});
        }
    }
}

/** What is going on before the first word, and a mark that more is coming behind the last one. */
function runningState({isRunning, text, thought, progress, attended, steps}: AnswerView): HTMLElement[] {
    if (!isRunning || text !== "" || thought !== "") return [];
    // The person is asked, or a tool is at work.
    if (steps.at(-1)?.calls.some(({state}) => state === "asked" || state === "running")) return [];
    if (progress !== undefined) {
        const {filesDone, filesTotal, tokensDone, tokensTotal, path} = progress;
        const bar = h("progress", {max: Math.max(1, tokensTotal), value: tokensDone, "aria-label": t("Reading files")});
        const words = t(
            "Reading file {0} of {1} ({2} of {3} tokens)",
            Math.min(filesDone + 1, filesTotal),
            filesTotal,
            compact(tokensDone),
            compact(tokensTotal),
        );
        return [
            h("p", {class: "busy"}, words, path === undefined ? undefined : h("span", {class: "detail"}, path)),
            bar,
        ];
    }
    const nFiles = attended?.length ?? 0;
    const words =
        nFiles === 0
            ? t("Choosing files…")
            : nFiles === 1
              ? t("Thinking over 1 file…")
              : t("Thinking over {0} files…", nFiles);
    return [h("p", {class: "busy"}, h("span", {class: "pulse"}), words)];
}
