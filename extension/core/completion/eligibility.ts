/**
 * Owns whether a completion is asked for at all, and the sentence that tells a person why not. It sees plain values:
 * settings, sizes and the text on the cursor's line.
 */

/** Who completes where GitHub Copilot is enabled too. */
export type BesideCopilot = "both" | "kvasir" | "copilot";

export interface CompletionSituation {
    /** The switch for all languages. */
    isEnabled: boolean;
    /** Language id to on or off; `*` stands for the others. */
    languages: Readonly<Record<string, boolean>>;
    languageId: string;
    /** The document is one that a person writes in: a file, an unsaved document, a cell. */
    isWritable: boolean;
    isTrusted: boolean;
    /** UTF-16 units of the document. */
    length: number;
    /** The file is one that is never read because it may hold secrets. */
    isSecret: boolean;
    isSnoozed: boolean;
    /** Copilot is there and enabled for this language. */
    isCopilotOn: boolean;
    besideCopilot: BesideCopilot;
    /** The person asked for it: then only hard limits count. */
    isInvoked: boolean;
    /** What follows the cursor on its line. */
    lineAfter: string;
}

/** Why nothing is offered here. */
export type WhyNot =
    "untrusted" | "read-only" | "too-large" | "secret" | "off" | "snoozed" | "language" | "copilot" | "mid-word";

/** Above this a document is data, and sending it with every request would be felt. UTF-16 units. */
export const longestDocument = 1_000_000;

/** The first reason why no completion is offered, the hard limits first; undefined when one is. */
export function whyNot(situation: CompletionSituation): WhyNot | undefined {
    if (!situation.isTrusted) return "untrusted";
    if (!situation.isWritable) return "read-only";
    if (situation.length > longestDocument) return "too-large";
    if (situation.isSecret) return "secret";
    if (situation.isInvoked) return undefined;
    if (!situation.isEnabled) return "off";
    if (situation.isSnoozed) return "snoozed";
    if (!isOnFor(situation.languageId, situation.languages)) return "language";
    if (situation.isCopilotOn && situation.besideCopilot === "copilot") return "copilot";
    if (isMidWord(situation.lineAfter)) return "mid-word";
    return undefined;
}

/** The language's own entry decides, else `*`, else on. */
export function isOnFor(languageId: string, languages: Readonly<Record<string, boolean>>): boolean {
    return (Object.hasOwn(languages, languageId) ? languages[languageId] : languages["*"]) ?? true;
}

/** The cursor is right before a word or inside one: what is typed there is an edit, not new text. */
export function isMidWord(lineAfter: string): boolean {
    return /^[\p{L}\p{N}_$]/u.test(lineAfter);
}
