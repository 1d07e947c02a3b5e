/** Applies quoted lines and what they become, one after another. The form behind both patches and search blocks. */
import {findLines, trimBlank} from "./find-lines.js";
import {reindent, toLines, toText} from "./line-text.js";

export interface Replacement {
    /** Lines to find; none: the text goes where `near` says, or at the end. */
    before: string[];
    after: string[];
    /** Line (from 0) in the original where the writer says it is. */
    near?: number;
}

export interface ReplacedText {
    text: string;
    /** Replacements, by index, whose lines are not in the file. */
    missing: number[];
}

export function applyReplacements(original: string, replacements: readonly Replacement[]): ReplacedText {
    const form = toLines(original);
    const missing: number[] = [];
    /** How far lines behind the last replacement have moved. */
    let moved = 0;
    for (const [index, {before, after, near}] of replacements.entries()) {
        if (trimBlank(before).length === 0) {
            const at = near === undefined ? form.lines.length : Math.min(form.lines.length, Math.max(0, near + moved));
            form.lines.splice(at, 0, ...after);
            moved += after.length;
            continue;
        }
        const found = findLines(form.lines, before, (near ?? 0) + moved);
        if (found === undefined) {
            missing.push(index);
            continue;
        }
        const {lead, tail} = blankEnds(before, after);
        const written = reindent(after.slice(lead, after.length - tail), found.quotedIndent, found.foundIndent);
        form.lines.splice(found.start, found.end - found.start, ...written);
        moved += written.length - (found.end - found.start);
    }
    if (original === "") form.endsWithBreak = form.lines.length > 0;
    return {text: toText(form), missing};
}

/** Blank lines at the ends that quote and replacement share were not searched for, so they are not written either. */
function blankEnds(before: readonly string[], after: readonly string[]): {lead: number; tail: number} {
    let lead = 0;
    while (lead < before.length && lead < after.length && isBlankAt(before, lead) && isBlankAt(after, lead)) lead++;
    let tail = 0;
    while (
        tail < before.length - lead &&
        tail < after.length - lead &&
        isBlankAt(before, before.length - 1 - tail) &&
        isBlankAt(after, after.length - 1 - tail)
    ) {
        tail++;
    }
    return {lead, tail};
}

function isBlankAt(lines: readonly string[], index: number): boolean {
    return (lines[index] as string).trim() === "";
}
