/**
 * What is said to the model beside the question: the user's own instructions and those of the repository's instruction
 * files, each under its name. Must not know the disk.
 */
import {foldersAbove, joinPath} from "../files/paths.js";

/** In each folder, the more specific name last; the first that a folder has with the same text counts once. */
export const rootInstructionNames = [
    "AGENTS.md",
    "CLAUDE.md",
    ".github/copilot-instructions.md",
    ".kvasir/instructions.md",
] as const;
const folderNames = ["AGENTS.md", "CLAUDE.md"] as const;

/** Characters of instructions in all. They are decoded with every conversation, and nothing of them is cut away. */
export const maxInstructionChars = 16_000;

/** Beside the files that a question is about, the nearest instructions count too. */
export function instructionPaths(known: ReadonlySet<string>, about: readonly string[]): string[] {
    const paths: string[] = rootInstructionNames.filter((name) => known.has(name));
    const folders = new Set(about.flatMap((path) => foldersAbove(path).filter((folder) => folder !== "")));
    for (const folder of [...folders].sort()) {
        for (const name of folderNames) {
            const path = joinPath(folder, name);
            if (known.has(path)) paths.push(path);
        }
    }
    return paths;
}

export interface InstructionFile {
    path: string;
    text: string;
}

export interface Instructions {
    /** undefined when there are none. */
    text: string | undefined;
    /** The files whose text is in it. */
    used: string[];
    /** Files that were too long in all: cut, or left out. */
    cut: string[];
}

/** @param own the user's instructions: first, so that a repository adds to them */
export function composeInstructions(own: string, files: readonly InstructionFile[]): Instructions {
    const parts: string[] = [];
    const used: string[] = [];
    const cut: string[] = [];
    const seen = new Set<string>();
    let left = maxInstructionChars;
    if (own.trim() !== "") {
        const text = own.trim().slice(0, left);
        parts.push(text);
        left -= text.length;
    }
    for (const {path, text} of files) {
        const body = withoutFrontMatter(text).trim();
        // One file is often a link to another.
        if (body === "" || seen.has(body)) continue;
        seen.add(body);
        const heading = `Instructions of this repository (${path}):\n`;
        const room = left - heading.length;
        if (room < 200 && body.length > room) {
            cut.push(path);
            continue;
        }
        const kept = body.length <= room ? body : body.slice(0, lastBreak(body, room));
        if (kept.length < body.length) cut.push(path);
        parts.push(heading + kept);
        used.push(path);
        left -= heading.length + kept.length;
    }
    return {text: parts.length === 0 ? undefined : parts.join("\n\n"), used, cut};
}

/** Settings of other tools at the head of a markdown file. */
function withoutFrontMatter(text: string): string {
    return text.replace(/^\uFEFF?---\r?\n[\s\S]*?\r?\n---\r?\n/, "");
}

function lastBreak(text: string, limit: number): number {
    const at = text.lastIndexOf("\n", limit);
    return at > limit / 2 ? at : limit;
}
