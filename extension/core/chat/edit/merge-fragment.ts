/**
 * Puts a piece of code where it belongs in a file: whole declarations replace those of the same name, "... existing code"
 * lines keep what the file has there, and new declarations follow the ones beside which they were written. Pure
 * guessing by lines and names; a person sees the result as a diff before it counts.
 */
import {declarations, declaredName, type Declaration} from "./declaration.js";
import {indentOf, indentWidth, isBlank, reindent} from "./line-text.js";
import {trimBlank} from "./find-lines.js";

/** A comment that stands for code left out: `// ... existing code ...`, `# rest of the file`, `/* unchanged *\/`, `...`. */
const omission =
    /^\s*(?:\/\/|#|--|;|\/\*+|<!--|%)?\s*(?:\[?(?:\.{3}|…).*|(?:the\s+)?(?:rest|remainder|remaining|existing|other|previous|unchanged|same)\b.*\b(?:code|file|class|function|method|methods|functions|imports|content|implementation|unchanged|before|same|here)\b.*|unchanged|existing code)\s*(?:\*\/|-->)?\s*$/i;

export function isOmission(line: string): boolean {
    // `...args` and Python's `...` body are code.
    return omission.test(line) && !/^\s*\.{3}[\w([{]/.test(line);
}

export interface Merged {
    lines: string[];
    how: "declarations" | "aligned";
}

/** @returns undefined when nothing says where the fragment belongs */
export function mergeFragment(original: readonly string[], fragment: readonly string[]): Merged | undefined {
    const wanted = trimBlank(fragment);
    if (wanted.length === 0) return undefined;
    if (wanted.some(isOmission)) {
        const [start, end] = namedRange(original, wanted);
        const inside = alignWithOmissions(original.slice(start, end), wanted);
        if (inside === undefined) return undefined;
        return {lines: [...original.slice(0, start), ...inside, ...original.slice(end)], how: "aligned"};
    }
    const lines = mergeDeclarations(original, wanted);
    return lines === undefined ? undefined : {lines, how: "declarations"};
}

/** Where the declarations of the fragment are in the file: alike lines elsewhere shall not draw it away. */
function namedRange(original: readonly string[], fragment: readonly string[]): [start: number, end: number] {
    const names = new Set(topItems(fragment).map(({name}) => name));
    const found = declarations(original).filter(({name}) => names.has(name));
    if (found.length === 0) return [0, original.length];
    return [Math.min(...found.map(({start}) => start)), Math.max(...found.map(({end}) => end))];
}

interface Item {
    name: string | undefined;
    lines: string[];
}

/** Replaces each declaration that the file has; the others, imports aside, follow the one before them. */
function mergeDeclarations(original: readonly string[], fragment: readonly string[]): string[] | undefined {
    const items = topItems(fragment);
    const known = declarations(original);
    const named = items.filter((item) => item.name !== undefined);
    if (!named.some((item) => known.some(({name}) => name === item.name))) return undefined;

    let lines = [...original];
    /** Where the next new item goes, and at which depth. */
    let after: {line: number; indent: string} | undefined;
    const waiting: Item[] = [];
    for (const item of items) {
        if (item.name === undefined) {
            lines = mergeImports(lines, item.lines, (added) => {
                if (after !== undefined) after.line += added;
            });
            continue;
        }
        const target = chooseTarget(declarations(lines), item, lines);
        if (target === undefined) {
            if (after === undefined) waiting.push(item);
            else insert(item);
            continue;
        }
        const header =
            item.lines.find((line, at) => declaredName(line, item.lines[at + 1]) === item.name) ?? item.lines[0] ?? "";
        const indent = indentOf(lines[target.header] as string);
        // A fragment without its own comment does not take the file's away.
        const hasComment = item.lines[0] !== header;
        const start = hasComment ? target.start : target.header;
        const written = reindent(item.lines, indentOf(header), indent);
        lines.splice(start, target.end - start, ...written);
        after = {line: start + written.length, indent};
        for (const earlier of waiting.splice(0)) {
            const first = reindent(earlier.lines, indentOf(earlier.lines[0] ?? ""), indent);
            lines.splice(start, 0, ...first, "");
            after.line += first.length + 1;
        }
    }
    return lines;

    function insert(item: Item): void {
        if (after === undefined) return;
        const written = ["", ...reindent(item.lines, indentOf(item.lines[0] ?? ""), after.indent)];
        lines.splice(after.line, 0, ...written);
        after.line += written.length;
    }
}

/** The declaration of that name whose lines are most like the item's. */
function chooseTarget(known: readonly Declaration[], item: Item, lines: readonly string[]): Declaration | undefined {
    const own = new Set(item.lines.map((line) => line.trim()).filter((line) => line.length > 2));
    let best: {declaration: Declaration; shared: number} | undefined;
    for (const declaration of known.filter(({name}) => name === item.name)) {
        const shared = lines.slice(declaration.start, declaration.end).filter((line) => own.has(line.trim())).length;
        if (best === undefined || shared > best.shared) best = {declaration, shared};
    }
    return best?.declaration;
}

/** The declarations of the fragment at its own least depth, and what lies between them. */
function topItems(fragment: readonly string[]): Item[] {
    const depth = Math.min(...fragment.filter((line) => !isBlank(line)).map(indentWidth));
    const items: Item[] = [];
    let end = 0;
    for (const declaration of declarations(fragment)) {
        if (indentWidth(fragment[declaration.header] as string) !== depth || declaration.header < end) continue;
        const between = trimBlank(fragment.slice(end, Math.max(end, declaration.start)));
        if (between.length > 0) items.push({name: undefined, lines: between});
        items.push({name: declaration.name, lines: fragment.slice(Math.max(end, declaration.start), declaration.end)});
        end = declaration.end;
    }
    const rest = trimBlank(fragment.slice(end));
    if (rest.length > 0) items.push({name: undefined, lines: rest});
    return items;
}

const importLine =
    /^\s*(?:import\b|from\s+\S+\s+import\b|use\s+\S+;|using\s+\S+;|#include\b|require\(|(?:const|let|var)\s.*=\s*require\()/;

/** Import lines that the file does not have follow its last import; other loose lines of a fragment are left out. */
function mergeImports(lines: readonly string[], loose: readonly string[], onAdded: (count: number) => void): string[] {
    const has = new Set(lines.map((line) => line.trim()));
    const added = loose.filter((line) => importLine.test(line) && !has.has(line.trim()));
    if (added.length === 0) return [...lines];
    const last = lines.findLastIndex((line) => importLine.test(line) && indentWidth(line) === 0);
    onAdded(added.length);
    return [...lines.slice(0, last + 1), ...added, ...lines.slice(last + 1)];
}

/**
 * Walks file and fragment together along the lines they share. At an omission the file's lines up to the next shared
 * one stay; elsewhere the fragment's lines take their place.
 */
function alignWithOmissions(original: readonly string[], fragment: readonly string[]): string[] | undefined {
    const shared = sharedLines(original, fragment);
    if (shared.length === 0) return undefined;
    const result: string[] = [];
    let from = 0;
    // What comes before the first shared line stays, as behind an omission.
    let isKept = true;
    const partner = new Map(shared.map(([line, at]) => [at, line]));
    // A depth that the fragment lost is given back.
    const [firstLine, firstAt] = shared[0] as [number, number];
    const written = reindent(fragment, indentOf(fragment[firstAt] as string), indentOf(original[firstLine] as string));
    for (const [at, line] of fragment.entries()) {
        if (isOmission(line)) {
            isKept = true;
            continue;
        }
        const match = partner.get(at);
        if (match === undefined) {
            // What follows an omission without a shared line goes before the next shared one.
            if (isKept) {
                const next = shared.find(([, other]) => other > at)?.[0] ?? original.length;
                const until = Math.max(from, next);
                result.push(...original.slice(from, until));
                from = until;
                isKept = false;
            }
            result.push(written[at] as string);
            continue;
        }
        if (isKept) result.push(...original.slice(from, match));
        isKept = false;
        result.push(original[match] as string);
        from = match + 1;
    }
    result.push(...original.slice(from));
    return result;
}

/**
 * The longest common subsequence of lines, trimmed, blank ones left out; of several, the one whose lines say most.
 * @returns pairs [line of the original, line of the fragment], ascending
 */
export function sharedLines(original: readonly string[], fragment: readonly string[]): [number, number][] {
    const a = solid(original);
    const b = solid(fragment.map((line) => (isOmission(line) ? "" : line)));
    const width = b.length + 1;
    // A bracket alone is a weak sign: eight of them count as one line of words.
    const weight = (line: string) => (/[\p{L}\p{N}]/u.test(line) ? 8 + Math.min(8, line.length >> 2) : 1);
    const best = new Uint32Array((a.length + 1) * width);
    for (let i = a.length - 1; i >= 0; i--) {
        for (let j = b.length - 1; j >= 0; j--) {
            const skip = Math.max(best[(i + 1) * width + j] as number, best[i * width + j + 1] as number);
            const isSame = a[i]?.text === b[j]?.text;
            const take = isSame ? (best[(i + 1) * width + j + 1] as number) + weight(a[i]?.text ?? "") : 0;
            best[i * width + j] = Math.max(skip, take);
        }
    }
    const pairs: [number, number][] = [];
    for (let i = 0, j = 0; i < a.length && j < b.length;) {
        const here = best[i * width + j] as number;
        if (
            a[i]?.text === b[j]?.text &&
            here === (best[(i + 1) * width + j + 1] as number) + weight(a[i]?.text ?? "")
        ) {
            pairs.push([a[i]?.line as number, b[j]?.line as number]);
            i++;
            j++;
        } else if (here === best[(i + 1) * width + j]) i++;
        else j++;
    }
    // Brackets alone place nothing.
    return pairs.some(([line]) => /[\p{L}\p{N}]/u.test(original[line] ?? "")) ? pairs : [];
}

function solid(lines: readonly string[]): {text: string; line: number}[] {
    return lines.flatMap((line, index) => (isBlank(line) ? [] : [{text: line.trim(), line: index}]));
}
