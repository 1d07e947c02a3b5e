/** How an answer's report is told: the contract's object, and lines for people. */
import type {AnswerReport, AttendedFile, CompletionReport, LeftOutFile} from "../../protocol/engine.js";
import {formatTable} from "./table.js";
import type {Colors} from "./terminal.js";
import {formatCount, formatMs, formatNumberOf, formatShare} from "./units.js";

/** Files that do not fit are many in a large repository: people are shown these and a number. */
const nShownLeftOut = 8;

const whyWords: Record<AttendedFile["why"], string> = {
    pinned: "pinned",
    context: "given as context",
    named: "named in the question",
    open: "open",
    imported: "imported",
    matched: "matched",
};

/** The contract's fields and no others. */
export function answerJson(report: AnswerReport): object {
    return {
        text: report.text,
        tokens: report.tokens,
        ttftMs: report.ttftMs,
        tokensPerSecond: report.tokensPerSecond,
        attended: attendedJson(report.attended),
        leftOut: report.leftOut.map(({path, why}) => ({path, why})),
        reusedTokens: report.reusedTokens,
        readTokens: report.readTokens,
    };
}

/** The contract's fields and no others. */
export function completionJson(report: CompletionReport): object {
    return {
        text: report.text,
        ...(report.candidates === undefined ? {} : {candidates: report.candidates}),
        ttftMs: report.ttftMs,
        ms: report.ms,
        attended: attendedJson(report.attended),
        reusedTokens: report.reusedTokens,
        readTokens: report.readTokens,
        mode: report.mode,
    };
}

function attendedJson(attended: readonly AttendedFile[]): object[] {
    return attended.map(({path, tokens, keptRows, why}) => ({path, tokens, keptRows, why}));
}

export interface Look {
    colors: Colors;
    width: number;
}

/** Attended files with reasons, files left out, figures, notes. */
export function answerText(report: AnswerReport, look: Look): string {
    const {colors} = look;
    const figures =
        `first token after ${formatMs(report.ttftMs)}, ` +
        `${formatNumberOf(report.tokens, "token")} at ${report.tokensPerSecond.toFixed(1)}/s; ` +
        reuseText(report);
    return [
        attendedText(report.attended, look),
        leftOutText(report.leftOut, look),
        colors.dim(figures),
        ...report.notes.map((note) => colors.yellow(`note: ${note}`)),
    ]
        .filter((part) => part !== "")
        .join("\n");
}

/** The same for a completion. */
export function completionText(report: CompletionReport, look: Look): string {
    const how = report.mode === "fim" ? "text on both sides" : "text before the cursor only";
    const figures = `first token after ${formatMs(report.ttftMs)}, all after ${formatMs(report.ms)}; ${how}; ${reuseText(report)}`;
    return [attendedText(report.attended, look), look.colors.dim(figures)].filter((part) => part !== "").join("\n");
}

function reuseText({reusedTokens, readTokens}: {reusedTokens: number; readTokens: number}): string {
    return `file tokens: ${formatCount(reusedTokens)} reused, ${formatCount(readTokens)} read`;
}

export function attendedText(attended: readonly AttendedFile[], {colors, width}: Look): string {
    if (attended.length === 0) return colors.dim("no files attended");
    return formatTable(
        [{title: "attended"}, {title: "tokens", align: "right"}, {title: "rows kept", align: "right"}, {title: "why"}],
        attended.map(({path, tokens, keptRows, why, detail}) => [
            path,
            String(tokens),
            `${Math.round(keptRows)} (${formatShare(keptRows, tokens)})`,
            whyText(why, detail),
        ]),
        {colors, width},
    );
}

/** The reason of a file that a person named is the naming; of others the detail says more. */
function whyText(why: AttendedFile["why"], detail: string | undefined): string {
    const isNamed = why === "context" || why === "pinned";
    return isNamed || detail === undefined || detail === "" ? whyWords[why] : `${whyWords[why]}: ${detail}`;
}

function leftOutText(leftOut: readonly LeftOutFile[], {colors}: Look): string {
    if (leftOut.length === 0) return "";
    const shown = leftOut.slice(0, nShownLeftOut).map(({path, why}) => `${path} (${why})`);
    const more = leftOut.length > shown.length ? ` and ${leftOut.length - shown.length} more` : "";
    return colors.dim(`left out: ${shown.join(", ")}${more}`);
}
