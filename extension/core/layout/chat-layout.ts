/**
 * Owns the order of a prompt, which is the same for chat and completions so that both share every segment:
 * the prefix, then the files, then everything that varies. Must not know tokens or templates: the engine
 * renders the model's own template around a marker and cuts it here.
 */

/** Part of a segment's identity: raise it when any text below changes. */
export const layoutVersion = 1;

/**
 * The one sentence behind the template's system opening. Fixed, because every segment was read behind it:
 * what differs between users, repositories and questions comes after the files.
 */
export const systemSentence =
    "You are a careful programming assistant. The files of the user's repository come first, then the conversation.\n\n";

/** A base model has no template: its prefix is BOS and this comment line. */
export const basePrefix = "// Files of one repository, then the file that is being written.\n\n";

/** No file takes more positions than this: longer ones cost more of a question's budget than they bring. */
const maxFilePositions = 8192;

/**
 * The positions between the prefix and the first turn, M: fixed, so that turns keep their places when other files are
 * attended. Every part of a file fits into them.
 * @param window positions the model was trained on
 */
export function filePositions(window: number): number {
    return Math.min(maxFilePositions, Math.floor(window / 4));
}

/** Lines of the file that a part holds, 1-based, both included. */
export interface PartLines {
    first: number;
    last: number;
}

/**
 * The line before a file's text. One form for every language, so that a segment does not hang on guesses.
 * @param lines of a part; none for a whole file
 */
export function fileHeader(path: string, lines?: PartLines): string {
    // No line numbers: an edit in an early part would change the header, and so the identity, of all later ones.
    return lines === undefined || lines.first === 1 ? `// File: ${path}\n` : `// File: ${path} (continued)\n`;
}

/** What a file, or a part of it, is read as: header, text, blank line. */
export function fileText(path: string, text: string, lines?: PartLines): string {
    return `${fileHeader(path, lines)}${text}\n\n`;
}

/** Before the repetition of a file whose rows are scored by replay: the model is asked to say the file again. */
export const replayHeader = "// The same file once more:\n";

/** Text of which no file and no template has a copy: it marks in a rendered template where the files go. */
export const filesMarker = "\u{F8FE}kvasir-files\u{F8FF}";

export interface SystemParts {
    /** The user's own instructions, from the settings. */
    userInstructions?: string;
    /** The repository's instruction files, in the order in which they count. */
    repositoryInstructions?: readonly {path: string; text: string}[];
    /** The tools that the model may call, already described as its template wants them. */
    tools?: string;
    /** Files that were chosen but are not attended (unread, too large): the model must not guess at them. */
    missingFiles?: readonly string[];
}

/** The system message to render: the fixed sentence, the marker for the files, what varies. */
export function systemMessage(parts: SystemParts = {}): string {
    return `${systemSentence}${filesMarker}${systemTail(parts)}`;
}

/** What stands behind the files and before the conversation. */
export function systemTail({
    userInstructions,
    repositoryInstructions = [],
    tools,
    missingFiles = [],
}: SystemParts): string {
    const sections = [
        "Answer from the files above. Name the files you used. Say so when they do not hold the answer.",
        ...repositoryInstructions
            .filter(({text}) => text.trim() !== "")
            .map(({path, text}) => `Instructions of the repository (${path}):\n${text.trim()}`),
        userInstructions?.trim() ? `Instructions of the user:\n${userInstructions.trim()}` : "",
        tools?.trim() ?? "",
        missingFiles.length > 0 ? `Not among the files above, though they may matter: ${missingFiles.join(", ")}.` : "",
    ];
    return sections.filter((section) => section !== "").join("\n\n");
}

/** A rendered template as the engine has it: plain text, and special tokens of whatever type it uses. */
export type Rendered<Special> = readonly (string | Special)[];

export interface CutTemplate<Special> {
    /** The template's system opening and the fixed sentence: the prefix of every segment. */
    prefix: (string | Special)[];
    /** From behind the files to the end: instructions, tools, conversation, the answer's opening. */
    rest: (string | Special)[];
}

/**
 * Cuts a rendered template where the files go. A template may trim the system message, or put it into the
 * first user turn: both leave the marker standing.
 * @returns undefined when the marker is not there exactly once: the template drops or repeats the system
 *     message, and the caller renders without one
 */
export function cutAtFiles<Special>(rendered: Rendered<Special>): CutTemplate<Special> | undefined {
    const places = rendered.flatMap((piece, i) =>
        typeof piece === "string"
            ? piece
                  .split(filesMarker)
                  .slice(1)
                  .map(() => i)
            : [],
    );
    const [place] = places;
    if (place === undefined || places.length > 1) return undefined;
    const [before, after] = (rendered[place] as string).split(filesMarker) as [string, string];
    return {
        prefix: [...rendered.slice(0, place), ...nonEmpty(before)],
        rest: [...nonEmpty(after), ...rendered.slice(place + 1)],
    };
}

function nonEmpty(text: string): string[] {
    return text === "" ? [] : [text];
}

/** One turn of a conversation with a base model, which has no template of its own. */
export interface Turn {
    role: "user" | "assistant";
    text: string;
}

/** The conversation as plain text for a base model, ending where its answer begins. */
export function baseModelConversation(turns: readonly Turn[], parts: SystemParts = {}): string {
    const tail = systemTail(parts);
    const spoken = turns.map(({role, text}) => `${role === "user" ? "Question" : "Answer"}: ${text.trim()}\n\n`);
    return `${tail}\n\n${spoken.join("")}Answer:`;
}

/** Texts at which a base model's answer ends: it goes on to invent the next question or file. */
export const baseModelStops: readonly string[] = ["\nQuestion:", "\n// File: "];
