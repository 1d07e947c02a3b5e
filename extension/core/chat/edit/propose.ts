/**
 * Turns a code block of an answer into the text that a file would have. Decides how: search blocks, a patch, a whole
 * file, or a fragment that finds its place. Must not touch any file.
 */
import {type CodeBlock} from "../code-block.js";
import {declarations} from "./declaration.js";
import {toLines, toText} from "./line-text.js";
import {mergeFragment, isOmission, sharedLines} from "./merge-fragment.js";
import {parsePatch, parseSearchBlocks} from "./parse-patch.js";
import {applyReplacements} from "./replacement.js";

export interface Proposal {
    /** Relative to the workspace; undefined when the block names no file. */
    path: string | undefined;
    /** The whole new text; undefined removes the file. */
    text: string | undefined;
    how: "whole" | "patch" | "searchReplace" | "declarations" | "aligned";
    /** Parts of the block that did not find their place. */
    nMissing: number;
}

/** How many lines of file and fragment are compared one with one at most: 16 million steps, well under a second. */
const maxCompared = 16e6;

/** The files that a block names, with what the writer calls them; one entry with `undefined` when it names none. */
export function pathsOf(block: CodeBlock): (string | undefined)[] {
    if (block.kind !== "patch") return [block.path];
    const paths = parsePatch(block.code).map(({path}) => path ?? block.path);
    return paths.length === 0 ? [block.path] : [...new Set(paths)];
}

/**
 * What `path` would become.
 * @param path as the block names it, or undefined for a block without a name
 * @param original the file's text now; undefined when there is no such file
 * @returns undefined when nothing says where the code belongs in the file
 */
export function propose(
    block: Pick<CodeBlock, "kind" | "code" | "path">,
    path: string | undefined,
    original: string | undefined,
): Proposal | undefined {
    if (block.kind === "patch") {
        const patches = parsePatch(block.code).filter((patch) => (patch.path ?? block.path) === path);
        if (patches.length === 0) return undefined;
        if (patches.some(({isDeleted}) => isDeleted)) return {path, text: undefined, how: "patch", nMissing: 0};
        const replacements = patches.flatMap((patch) => patch.replacements);
        const {text, missing} = applyReplacements(original ?? "", replacements);
        if (missing.length === replacements.length) return undefined;
        return {path, text, how: "patch", nMissing: missing.length};
    }
    if (block.kind === "searchReplace") {
        const replacements = parseSearchBlocks(block.code);
        const {text, missing} = applyReplacements(original ?? "", replacements);
        if (missing.length === replacements.length) return undefined;
        return {path, text, how: "searchReplace", nMissing: missing.length};
    }
    const code = withoutPathComment(block.code, path);
    if (original === undefined || original.trim() === "")
        return {path, text: withBreak(code), how: "whole", nMissing: 0};
    const form = toLines(original);
    const fragment = toLines(code).lines;
    if (isWholeFile(form.lines, fragment)) {
        return {path, text: toText({...form, lines: fragment, endsWithBreak: true}), how: "whole", nMissing: 0};
    }
    if (form.lines.length * fragment.length > maxCompared) return undefined;
    const merged = mergeFragment(form.lines, fragment);
    return merged === undefined
        ? undefined
        : {path, text: toText({...form, lines: merged.lines}), how: merged.how, nMissing: 0};
}

/** A fragment that has most of the file's lines, or declares all that the file declares at the top, is the whole file. */
function isWholeFile(original: readonly string[], fragment: readonly string[]): boolean {
    if (fragment.some(isOmission)) return false;
    if (original.length * fragment.length <= maxCompared) {
        const solid = original.filter((line) => /[\p{L}\p{N}]/u.test(line)).length;
        const shared = sharedLines(original, fragment).filter(([line]) => /[\p{L}\p{N}]/u.test(original[line] ?? ""));
        if (solid > 0 && shared.length / solid >= 0.7) return true;
    }
    const tops = (lines: readonly string[]) =>
        declarations(lines)
            .filter(({header}) => /^\S/.test(lines[header] ?? ""))
            .map(({name}) => name);
    const own = new Set(tops(fragment));
    const known = tops(original);
    return known.length > 1 && known.every((name) => own.has(name));
}

/** A first line that only says which file this is does not belong into the file, unless it stood there before. */
function withoutPathComment(code: string, path: string | undefined): string {
    if (path === undefined) return code;
    const [first = "", ...rest] = code.split("\n");
    const isPath =
        /^\s*(?:\/\/|#|--|;|%|<!--|\/\*+)/.test(first) &&
        first.includes(path) &&
        first.trim().length < path.length + 16;
    return isPath ? rest.join("\n").replace(/^\r?\n/, "") : code;
}

function withBreak(code: string): string {
    return code === "" || code.endsWith("\n") ? code : `${code}\n`;
}
