/** The changes that an answer proposes, file by file and hunk by hunk, to be taken or left. */
import type {HunkView, ReviewFileView, ReviewView} from "../../../extension/protocol/webview/chat.js";
import {h} from "../../shared/dom.js";
import {t} from "../../shared/l10n.js";
import type {Page} from "../page.js";
import {button} from "./button.js";
import {icon} from "./icon.js";

/** @param before the element that this one replaces: what had the focus there gets it here */
export function reviewView(page: Page, review: ReviewView, before: HTMLElement | undefined): HTMLElement {
    const nOpen = review.files.filter(({isOpen}) => isOpen).length;
    const decide = (isAccepted: boolean, path?: string, hunk?: string) =>
        page.host.tell("decide", {
            review: review.id,
            isAccepted,
            ...(path === undefined ? {} : {path}),
            ...(hunk === undefined ? {} : {hunk}),
        });
    const focused = before === undefined ? undefined : hunkIndex(before);
    const element = h(
        "section",
        {class: "review", "aria-label": t("Review of {0}", review.title)},
        h(
            "header",
            {class: "review-head"},
            icon("diff"),
            h(
                "h3",
                {},
                nOpen === 0
                    ? t("Reviewed")
                    : review.files.length === 1
                      ? t("Proposed change")
                      : t("Proposed changes in {0} files", review.files.length),
            ),
            h(
                "div",
                {class: "row"},
                nOpen > 0 ? button({label: t("Accept all"), icon: "check"}, () => decide(true)) : undefined,
                nOpen > 0
                    ? button({label: t("Reject all"), icon: "close", class: "secondary"}, () => decide(false))
                    : undefined,
                nOpen > 0
                    ? button({label: t("Show in the diff editor"), icon: "file", isIconOnly: true}, () =>
                          page.host.tell("showDiff", {review: review.id}),
                      )
                    : undefined,
                button({label: t("Close the review"), icon: "close", isIconOnly: true}, () =>
                    page.host.tell("closeReview", {review: review.id}),
                ),
            ),
        ),
        review.files.map((file) => fileView(page, review, file, decide)),
        nOpen > 0
            ? h(
                  "p",
                  {class: "hint"},
                  t("On a change: A accepts, R rejects, arrows move. Undo in the editor takes a change back."),
              )
            : undefined,
    );
    element.addEventListener("keydown", (event) => onKey(event, element));
    if (focused !== undefined) queueMicrotask(() => focusHunk(element, focused));
    return element;
}

function fileView(
    page: Page,
    {id}: ReviewView,
    file: ReviewFileView,
    decide: (isAccepted: boolean, path?: string, hunk?: string) => void,
): HTMLElement {
    const {path, change, hunks, isOpen, nAccepted, nRejected, nLost, nMissing} = file;
    const done = [
        nAccepted > 0 ? t("{0} accepted", nAccepted) : "",
        nRejected > 0 ? t("{0} rejected", nRejected) : "",
        nLost > 0 ? t("{0} no longer fit, since the file was changed there", nLost) : "",
        nMissing > 0 ? t("{0} parts of the answer are not in this file", nMissing) : "",
    ].filter((part) => part !== "");
    const badge = change === "create" ? t("new") : change === "delete" ? t("to be deleted") : undefined;
    return h(
        "div",
        {class: "review-file", role: "group", "aria-label": path},
        h(
            "div",
            {class: "review-file-head"},
            button({label: path, class: "link file-name", title: t("Show {0} in the diff editor", path)}, () =>
                page.host.tell("showDiff", {review: id, path}),
            ),
            badge === undefined ? undefined : h("span", {class: "badge"}, badge),
            h("span", {class: "detail"}, done.join(", ")),
            isOpen && hunks.length !== 1
                ? h(
                      "span",
                      {class: "row-tools"},
                      button({label: t("Accept {0}", path), icon: "check", isIconOnly: true}, () => decide(true, path)),
                      button({label: t("Reject {0}", path), icon: "close", isIconOnly: true}, () =>
                          decide(false, path),
                      ),
                  )
                : undefined,
        ),
        hunks.map((hunk, index) =>
            hunkView(hunk, index, hunks.length, (isAccepted) => decide(isAccepted, path, hunk.id)),
        ),
    );
}

function hunkView(
    {line, lines}: HunkView,
    index: number,
    count: number,
    decide: (isAccepted: boolean) => void,
): HTMLElement {
    const accept = button({label: t("Accept"), icon: "check", class: "quiet tool"}, () => decide(true));
    const reject = button({label: t("Reject"), icon: "close", class: "quiet tool"}, () => decide(false));
    accept.dataset.decision = "accept";
    reject.dataset.decision = "reject";
    const nAdded = lines.filter(({kind}) => kind === "added").length;
    const nRemoved = lines.filter(({kind}) => kind === "removed").length;
    const marks = {same: " ", added: "+", removed: "−"} as const;
    const shown = lines.slice(0, 400);
    return h(
        "div",
        {
            class: "hunk",
            role: "group",
            tabindex: 0,
            "aria-label": t(
                "Change {0} of {1} at line {2}: {3} lines added, {4} removed",
                index + 1,
                count,
                line,
                nAdded,
                nRemoved,
            ),
        },
        h(
            "div",
            {class: "hunk-head"},
            h("span", {}, t("Line {0}", line)),
            h("span", {class: "row-tools"}, accept, reject),
        ),
        h(
            "div",
            {class: "hunk-lines", tabindex: -1},
            shown.map(({kind, text}) =>
                h(
                    "div",
                    {class: `diff-line ${kind}`},
                    h(
                        "span",
                        {
                            class: "mark",
                            "aria-label": kind === "same" ? undefined : kind === "added" ? t("added") : t("removed"),
                        },
                        marks[kind],
                    ),
                    h("span", {}, text === "" ? "\n" : text),
                ),
            ),
            lines.length > shown.length
                ? h("div", {class: "diff-line same"}, t("… {0} more lines", lines.length - shown.length))
                : undefined,
        ),
    );
}

function onKey(event: KeyboardEvent, review: HTMLElement): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const hunk = (event.target as HTMLElement).closest<HTMLElement>(".hunk");
    if (hunk === null) return;
    const all = [...review.querySelectorAll<HTMLElement>(".hunk")];
    const at = all.indexOf(hunk);
    const press = (decision: string) => hunk.querySelector<HTMLElement>(`[data-decision=${decision}]`)?.click();
    switch (event.key) {
        case "a":
        case "A":
            press("accept");
            break;
        case "r":
        case "R":
            press("reject");
            break;
        case "ArrowDown":
            all[at + 1]?.focus();
            break;
        case "ArrowUp":
            all[at - 1]?.focus();
            break;
        default:
            return;
    }
    event.preventDefault();
}

function hunkIndex(review: HTMLElement): number | undefined {
    const hunk = document.activeElement?.closest(".hunk");
    if (hunk === null || hunk === undefined || !review.contains(hunk)) return undefined;
    return [...review.querySelectorAll(".hunk")].indexOf(hunk);
}

/** The next change takes the place of the one that was decided. */
function focusHunk(review: HTMLElement, index: number): void {
    const all = [...review.querySelectorAll<HTMLElement>(".hunk")];
    (all[Math.min(index, all.length - 1)] ?? review.querySelector<HTMLElement>("button"))?.focus();
}
