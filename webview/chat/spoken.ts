/** What a screen reader is told of an answer: that it has begun, and once it is whole what it says. Never word by word. */
import type {AnswerView, ToolUseView} from "../../extension/protocol/webview/chat.js";
import type {ChatState} from "./chat-state.js";
import {t} from "../shared/l10n.js";

/** Longer answers are read when one goes to them. */
const maxSpokenChars = 400;

/** What to say after this change; undefined for nothing. */
export function spokenChange(before: ChatState | undefined, now: ChatState): string | undefined {
    if (before?.conversation?.id !== now.conversation?.id || before === undefined) return undefined;
    const old = lastAnswer(before);
    const answer = lastAnswer(now);
    if (answer === undefined) return undefined;
    if (answer.isRunning && answer.id !== old?.id) return t("Answering.");
    const asked = askedTool(answer);
    if (asked !== undefined && asked.id !== (old && askedTool(old))?.id) return t("May {0} run?", asked.name);
    if (answer.isRunning || old?.id !== answer.id || !old.isRunning) return undefined;
    if (answer.error !== undefined) return t("The answer ended early: {0}", answer.error.message);
    if (answer.isPartial) return t("Stopped.");
    const plain = plainText(answer.text);
    if (plain.length <= maxSpokenChars) return t("Answer: {0}", plain);
    return t("The answer is there: {0} words.", plain.split(/\s+/).length);
}

function askedTool({isRunning, steps}: AnswerView): ToolUseView | undefined {
    return isRunning ? steps.at(-1)?.calls.find(({state}) => state === "asked") : undefined;
}

function lastAnswer({conversation}: ChatState): AnswerView | undefined {
    return conversation?.turns.filter((turn): turn is AnswerView => turn.role === "assistant").at(-1);
}

function plainText(markdown: string): string {
    return markdown
        .replace(/(`{3,})[^\n]*\n[\s\S]*?\1/g, ` ${t("(code)")} `)
        .replace(/[*_#>`]/g, "")
        .replace(/\s+/g, " ")
        .trim();
}
