/**
 * Reads unified diffs and search blocks as models write them: with wrong line numbers and counts, without headers, with
 * blank lines that lost their leading space. The lines themselves say where they belong.
 */
import {type Replacement} from "./replacement.js";
import {pathOfPatch} from "../code-block.js";

export interface FilePatch {
    /** undefined when the patch names no file. */
    path: string | undefined;
    isDeleted: boolean;
    replacements: Replacement[];
}

const hunkHeader = /^@@+(?: -(\d+)(?:,\d+)?)?(?: \+\d+(?:,\d+)?)?(?: @@+)?(.*)$/;
const fileHeader =
    /^(?:diff --git |index [0-9a-f]+\.\.|(?:new|deleted) file mode |similarity index |rename (?:from|to) |old mode |new mode )/;

/** One entry per file of the diff; hunks without any change are left out. */
export function parsePatch(patch: string): FilePatch[] {
    const files: FilePatch[] = [];
    let hunk: {before: string[]; after: string[]; near?: number} | undefined;
    let header: string[] = [];
    const current = (): FilePatch => {
        const last = files.at(-1);
        if (last !== undefined && header.length === 0) return last;
        const text = header.join("\n");
        header = [];
        const file = {path: pathOfPatch(text), isDeleted: /^\+\+\+ \/dev\/null/m.test(text), replacements: []};
        files.push(file);
        return file;
    };
    const close = () => {
        if (hunk !== undefined && (hunk.before.join("\n") !== hunk.after.join("\n") || hunk.before.length === 0)) {
            if (hunk.before.length + hunk.after.length > 0) current().replacements.push(hunk);
        }
        hunk = undefined;
    };
    const lines = patch.split(/\r?\n/);
    for (const [index, line] of lines.entries()) {
        const isOldName = isNames(lines, index, hunk !== undefined);
        const isNewName = header.length > 0 && line.startsWith("+++ ");
        if (fileHeader.test(line) || isOldName || isNewName) {
            close();
            header.push(line);
            continue;
        }
        const at = hunkHeader.exec(line);
        if (at !== null) {
            close();
            hunk = {before: [], after: [], ...(at[1] === undefined ? {} : {near: Math.max(0, Number(at[1]) - 1)})};
            continue;
        }
        if (line.startsWith("\\ No newline")) continue;
        // The last line break of the block is not an empty context line.
        if (line === "" && index === lines.length - 1) continue;
        hunk ??= {before: [], after: []};
        if (line.startsWith("+")) hunk.after.push(line.slice(1));
        else if (line.startsWith("-")) hunk.before.push(line.slice(1));
        else {
            const context = line.startsWith(" ") ? line.slice(1) : line;
            hunk.before.push(context);
            hunk.after.push(context);
        }
    }
    close();
    if (header.length > 0) current();
    return files;
}

/** Inside a hunk, `--- a` over `+++ b` may as well be a changed comment: there, only a hunk behind it makes it a header. */
function isNames(lines: readonly string[], index: number, isInHunk: boolean): boolean {
    if (!(lines[index] ?? "").startsWith("--- ") || !(lines[index + 1] ?? "").startsWith("+++ ")) return false;
    return !isInHunk || (lines[index + 2] ?? "").startsWith("@@");
}

/** `<<<<<<< SEARCH`, `=======`, `>>>>>>> REPLACE` blocks. A block that is not finished is left out. */
export function parseSearchBlocks(code: string): Replacement[] {
    const replacements: Replacement[] = [];
    let part: "none" | "before" | "after" = "none";
    let before: string[] = [];
    let after: string[] = [];
    for (const line of code.split(/\r?\n/)) {
        if (part === "none" && /^<{5,9}(?:\s|$)/.test(line)) {
            part = "before";
            before = [];
            after = [];
        } else if (part === "before" && /^={5,9}\s*$/.test(line)) part = "after";
        else if (part === "after" && /^>{5,9}(?:\s|$)/.test(line)) {
            replacements.push({before, after});
            part = "none";
        } else if (part === "before") before.push(line);
        else if (part === "after") after.push(line);
    }
    return replacements;
}
