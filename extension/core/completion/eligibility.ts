/**
 * Owns whether a completion is asked for at all, and the sentence that tells a person why not. It sees plain values:
 * settings, sizes and the text on the cursor's line.
 */

/** Who completes where GitHub Copilot is enabled too. */
export type WithCopilot = "both" | "kvasir" | "copilot";

export interface CompletionSituation {
    /** `kvasir.completion.enable`: language id to on or off; `*` stands for the others. */
    enabled: Readonly<Record<string, boolean>>;
    languageId: string;
    /** Scheme of the document's address. */
    scheme: string;
    /** UTF-16 units of the document. */
    length: number;
    /** The file is one that Kvasir never reads because it may hold secrets. */
    isSecret: boolean;
    isSnoozed: boolean;
    /** Copilot is there and enabled for this language. */
    isCopilotOn: boolean;
    withCopilot: WithCopilot;
    /** The person asked for it: then only hard limits count. */
    isInvoked: boolean;
    /** What follows the cursor on its line. */
    lineAfter: string;
}

/** Why nothing is offered here. */
export type WhyNot = "off" | "snoozed" | "language" | "copilot" | "too-large" | "secret" | "scheme" | "mid-word";

/** Above this a document is data, and sending it with every request would be felt. UTF-16 units. */
export const longestDocument = 1_000_000;

/** What a person writes in: files, unsaved documents, cells, and files of virtual and remote workspaces. */
const foreignSchemes = new Set([
    "output",
    "git",
    "vscode-scm",
    "comment",
    "search-editor",
    "walkThroughSnippet",
    "log",
]);

/** The first reason why no completion is offered, the hard limits first; undefined when one is. */
export function whyNot(situation: CompletionSituation): WhyNot | undefined {
    if (foreignSchemes.has(situation.scheme)) return "scheme";
    if (situation.length > longestDocument) return "too-large";
    if (situation.isSecret) return "secret";
    if (situation.isInvoked) return undefined;
    if (situation.isSnoozed) return "snoozed";
    if (!isEnabledFor(situation.languageId, situation.enabled)) {
        return Object.values(situation.enabled).some(Boolean) ? "language" : "off";
    }
    if (situation.isCopilotOn && situation.withCopilot === "copilot") return "copilot";
    if (isMidWord(situation.lineAfter)) return "mid-word";
    return undefined;
}

/** The language's own entry decides, else `*`, else on. */
export function isEnabledFor(languageId: string, enabled: Readonly<Record<string, boolean>>): boolean {
    return (Object.hasOwn(enabled, languageId) ? enabled[languageId] : enabled["*"]) ?? true;
}

/** The cursor is right before a word or inside one: what is typed there is an edit, not new text. */
export function isMidWord(lineAfter: string): boolean {
    return /^[\p{L}\p{N}_$]/u.test(lineAfter);
}

const sentences: Readonly<Record<WhyNot, string>> = {
    off: "Completions are off.",
    snoozed: "Completions are snoozed.",
    language: "Completions are off for this language.",
    copilot: "GitHub Copilot completes here; the setting kvasir.completion.withCopilot decides.",
    "too-large": "This document is too large for completions.",
    secret: "This file may hold secrets; it is never read.",
    scheme: "There are no completions in this kind of document.",
    "mid-word": "Ready.",
};

/** One sentence for the status bar. */
export function whyNotSentence(reason: WhyNot): string {
    return sentences[reason];
}
