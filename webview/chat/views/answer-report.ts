/**
 * What stands under an answer: its figures, the files it saw and why, each to be pinned or left out with one click, and
 * what was not read.
 */
import type {AttendedFile, WhyChosen} from "../../../extension/protocol/engine.js";
import type {AnswerView} from "../../../extension/protocol/webview/chat.js";
import {h} from "../../shared/dom.js";
import {t} from "../../shared/l10n.js";
import type {Page} from "../page.js";
import {button} from "./button.js";
import {icon} from "./icon.js";

export function answerReport(
    page: Page,
    answer: AnswerView,
    isOpen: boolean,
    onToggle: (isOpen: boolean) => void,
): HTMLElement {
    const {report} = answer;
    const attended = report?.attended ?? answer.attended ?? [];
    const leftOut = report?.leftOut ?? answer.leftOut ?? [];
    const details = h(
        "details",
        {class: "saw", open: isOpen},
        h("summary", {}, icon("chevron"), summary(attended.length, answer)),
        h(
            "ul",
            {class: "files", "aria-label": t("Files that this answer saw")},
            attended.map((file) => fileRow(page, answer, file)),
        ),
        leftOut.length === 0
            ? undefined
            : h(
                  "div",
                  {class: "left-out"},
                  h(
                      "p",
                      {},
                      leftOut.length === 1 ? t("1 file was not seen:") : t("{0} files were not seen:", leftOut.length),
                  ),
                  h(
                      "ul",
                      {class: "files"},
                      leftOut
                          .slice(0, 20)
                          .map(({path, why}) =>
                              h(
                                  "li",
                                  {},
                                  h("span", {class: "file-name", title: path}, path),
                                  h("span", {class: "why"}, why === "budget" ? t("no room left for it") : t(why)),
                              ),
                          ),
                      leftOut.length > 20 ? h("li", {}, t("and {0} more", leftOut.length - 20)) : undefined,
                  ),
              ),
        answer.instructions.length === 0
            ? undefined
            : h("p", {class: "followed"}, t("Followed the instructions in {0}", answer.instructions.join(", "))),
    );
    details.addEventListener("toggle", () => onToggle(details.open));
    return h(
        "footer",
        {class: "report"},
        report === undefined ? undefined : figures(report),
        details,
        (report?.notes ?? []).map((note) => h("p", {class: "note"}, icon("problem"), note)),
    );
}

/** "128 tokens · 42 per second · first after 0.3 s" */
function figures({tokens, tokensPerSecond, ttftMs, stop}: NonNullable<AnswerView["report"]>): HTMLElement {
    const parts = [
        tokens === 1 ? t("1 token") : t("{0} tokens", tokens.toLocaleString()),
        t(
            "{0} per second",
            tokensPerSecond.toLocaleString(undefined, {maximumFractionDigits: tokensPerSecond < 20 ? 1 : 0}),
        ),
        t("first after {0}", seconds(ttftMs)),
    ];
    if (stop === "maxTokens") parts.push(t("cut at the token limit"));
    if (stop === "windowEnd") parts.push(t("cut at the end of the model's window"));
    return h("p", {class: "figures"}, parts.join(" · "));
}

function summary(nFiles: number, {report, instructions}: AnswerView): string {
    const files = nFiles === 0 ? t("Saw no file") : nFiles === 1 ? t("Saw 1 file") : t("Saw {0} files", nFiles);
    if (report === undefined) return files;
    const cost = [t("{0} file tokens reused", compact(report.reusedTokens)), t("{0} read", compact(report.readTokens))];
    if (instructions.length > 0) cost.push(t("instructions"));
    return `${files} · ${cost.join(" · ")}`;
}

function fileRow(page: Page, answer: AnswerView, {path, tokens, keptRows, why, detail}: AttendedFile): HTMLElement {
    const conversation = page.state().conversation?.id ?? "";
    const isPinned = page.state().context.pinned.includes(path);
    const name = button({label: path, class: "link file-name", title: t("Open {0}", path)}, () =>
        page.host.tell("openFile", {path}),
    );
    const share =
        tokens === 0 ? "" : t("{0} tokens, {1} % kept", compact(tokens), Math.round((keptRows / tokens) * 100));
    const tools = answer.isRunning
        ? []
        : [
              button(
                  {
                      label: isPinned ? t("Take the pin off {0}", path) : t("Pin {0} and ask again", path),
                      icon: isPinned ? "pinned" : "pin",
                      isIconOnly: true,
                      isPressed: isPinned,
                  },
                  () =>
                      isPinned
                          ? page.host.tell("pin", {path, isPinned: false})
                          : page.host.tell("again", {conversation, turn: answer.id, pin: path}),
              ),
              button({label: t("Leave {0} out and ask again", path), icon: "leaveOut", isIconOnly: true}, () =>
                  page.host.tell("again", {conversation, turn: answer.id, leaveOut: path}),
              ),
          ];
    return h(
        "li",
        {},
        name,
        h("span", {class: `badge why-${why}`, title: detail}, whyName(why)),
        detail === undefined ? undefined : h("span", {class: "detail", title: detail}, detail),
        h("span", {class: "amount"}, share),
        h("span", {class: "row-tools"}, tools),
    );
}

export function whyName(why: WhyChosen): string {
    const names: Record<WhyChosen, string> = {
        pinned: t("pinned"),
        context: t("named"),
        named: t("named"),
        open: t("open"),
        imported: t("imported"),
        matched: t("matched"),
    };
    return names[why];
}

/** 940, 5.2k, 1.3M */
export function compact(count: number): string {
    return count < 1000 ? String(Math.round(count)) : count < 1e6 ? `${trim(count / 1e3)}k` : `${trim(count / 1e6)}M`;
}

function trim(value: number): string {
    return value >= 100 ? value.toFixed(0) : value.toFixed(1).replace(/\.0$/, "");
}

function seconds(ms: number): string {
    return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
