/**
 * The slash commands: what each asks the model to do, and what it is about. Pure data and text; must not know how a
 * selection or a diff is found.
 */

export type SlashName = "explain" | "fix" | "tests" | "doc" | "review" | "commit";

export interface SlashCommand {
    name: SlashName;
    /** For the list that opens on "/". */
    summary: string;
    /** What is brought along when the question names nothing itself. `code`: the selection, else the active file. */
    subject: "code" | "codeAndProblems" | "changes";
    /** The question in words. */
    ask: string;
}

export const slashCommands: readonly SlashCommand[] = [
    {
        name: "explain",
        summary: "Explain the selection or the active file",
        subject: "code",
        ask: "Explain what this code does, step by step, and why it is written this way. Say how other files use it.",
    },
    {
        name: "fix",
        summary: "Find and fix the problem in the selection or the active file",
        subject: "codeAndProblems",
        ask: "Find what is wrong with this code and fix it. Say the cause in one sentence, then show the corrected code in one block.",
    },
    {
        name: "tests",
        summary: "Write tests for the selection or the active file",
        subject: "code",
        ask: "Write tests for this code with the test library that this repository uses. Cover the ordinary case, the edges and the errors. Show the whole test file.",
    },
    {
        name: "doc",
        summary: "Write documentation comments",
        subject: "code",
        ask: "Write documentation comments for this code in the style of this repository. Change nothing else, and show the code with its comments.",
    },
    {
        name: "review",
        summary: "Review the selection, the active file or the changes",
        subject: "code",
        ask: "Review this code. List real problems first, the most serious one first: wrong results, crashes, leaks, security. For each say where it is and how to mend it. Say so when there is none.",
    },
    {
        name: "commit",
        summary: "Write a commit message for the changes",
        subject: "changes",
        ask: "Write a commit message for these changes: one line of at most 72 characters that says what changes for a user, an empty line, then why. Answer with the message only, in one block.",
    },
];

export interface ParsedSlash {
    command: SlashCommand | undefined;
    /** What follows the command. */
    rest: string;
    /** A word after "/" at the beginning that is no command and no path. */
    unknown?: string;
}

/** Only at the very beginning of a question, and only a whole word: `/src/a.ts` is a path. */
export function parseSlash(question: string): ParsedSlash {
    const match = /^\s*\/([a-z][a-z-]*)(?=\s|$)\s*/i.exec(question);
    if (match === null) return {command: undefined, rest: question};
    const name = (match[1] as string).toLowerCase();
    const command = slashCommands.find((known) => known.name === name);
    if (command === undefined) return {command, rest: question, unknown: name};
    return {command, rest: question.slice(match[0].length)};
}

/** The question in words, for the model: the command's own, then what the user added. */
export function slashQuestion({ask}: SlashCommand, rest: string): string {
    const added = rest.trim();
    return added === "" ? ask : `${ask}\n\n${added}`;
}
