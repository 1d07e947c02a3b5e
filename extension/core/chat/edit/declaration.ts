/**
 * Finds declarations by their words and their depth, for any language that indents: where one begins and ends, and what
 * it is called. No parser, since a model's fragment is often not a whole program.
 */
import {indentWidth, isBlank} from "./line-text.js";

export interface Declaration {
    name: string;
    /** Lines [start, end): with the comments and decorators above it. */
    start: number;
    /** The line that names it. */
    header: number;
    end: number;
}

/** Modifiers, then a word that declares, then the name. */
const keyworded =
    /^\s*(?:(?:export|default|declare|public|private|protected|internal|static|abstract|final|async|override|pub(?:\([^)]*\))?|unsafe|extern|const|inline|virtual|sealed|partial|open|data|suspend|readonly)\s+)*(?:function\*?|class|interface|enum|type|namespace|module|struct|trait|impl|union|def|fn|func|fun|sub|object|protocol|extension|record|proc)\s+(?:\([^)]*\)\s*)?([\p{L}_$][\p{L}\p{N}_$]*)/u;
const assigned =
    /^\s*(?:(?:export|default|declare|public|private|protected|static|final|readonly|pub)\s+)*(?:const|let|var|val)\s+([\p{L}_$][\p{L}\p{N}_$]*)/u;
/** `name(...) {`, `async name<T>(...): T {`, `Type name(...) {`: a method, or a function of the C family. */
const callable =
    /^\s*(?:[\p{L}_$#@][\p{L}\p{N}_$<>,:&*[\]?.]*\s+)*[*&#]?([\p{L}_$][\p{L}\p{N}_$]*)\s*(?:<[^>()]*>)?\s*\([^;]*$/u;
const noNames = new Set([
    "if",
    "for",
    "while",
    "switch",
    "catch",
    "return",
    "else",
    "do",
    "try",
    "with",
    "await",
    "new",
    "throw",
    "super",
    "function",
    "typeof",
    "elif",
    "except",
    "match",
    "case",
    "when",
    "unless",
    "until",
    "using",
    "lock",
    "foreach",
    "describe",
    "it",
    "test",
    "expect",
]);

/** The name that a line declares. @param next the line behind it, where a brace may stand alone */
export function declaredName(line: string, next = ""): string | undefined {
    const name = (keyworded.exec(line) ?? assigned.exec(line))?.[1];
    if (name !== undefined) return name;
    const called = callable.exec(line)?.[1];
    // `name(...)` at the end of a line without a body is a call, not a declaration.
    const hasBody = /[{:,(]\s*$|=>\s*$/.test(line) || /^\s*\{\s*$/.test(next);
    return called !== undefined && !noNames.has(called) && hasBody ? called : undefined;
}

/** Every declaration, nested ones too, by where it begins. */
export function declarations(lines: readonly string[]): Declaration[] {
    const found: Declaration[] = [];
    for (const [header, line] of lines.entries()) {
        const name = declaredName(line, lines[header + 1]);
        if (name === undefined) continue;
        found.push({name, start: startAbove(lines, header), header, end: blockEnd(lines, header)});
    }
    return found;
}

/** The line behind the block that begins at `header`: behind its closing brackets, or its last deeper line. */
export function blockEnd(lines: readonly string[], header: number): number {
    const depth = indentWidth(lines[header] ?? "");
    let end = header + 1;
    let isOpen = opens(lines[header] ?? "");
    for (let at = header + 1; at < lines.length; at++) {
        const line = lines[at] as string;
        if (isBlank(line)) continue;
        const width = indentWidth(line);
        if (width > depth) {
            end = at + 1;
            continue;
        }
        // `): T {` goes on with the signature, `} else {` with the statement; `}` ends it.
        const isCloser = width === depth && /^\s*(?:[)\]}]|end\b)/.test(line);
        if (!isCloser) {
            // An opening brace on its own line.
            if (width === depth && /^\s*\{\s*$/.test(line) && at === end) {
                end = at + 1;
                isOpen = true;
                continue;
            }
            break;
        }
        if (!isOpen && !/^\s*end\b/.test(line)) break;
        end = at + 1;
        isOpen = opens(line);
        if (!isOpen) break;
    }
    return end;
}

/** Comments, decorators and attributes just above a line belong to it. */
export function startAbove(lines: readonly string[], header: number): number {
    let start = header;
    while (start > 0) {
        const line = (lines[start - 1] as string).trim();
        if (!/^(?:\/\/|\/\*|\*|\*\/|#(?!include|if|endif|define|else)|@|--|<!--|\[[A-Z]|;;|"""|''')/.test(line)) break;
        if (indentWidth(lines[start - 1] as string) < indentWidth(lines[header] as string)) break;
        start--;
    }
    return start;
}

function opens(line: string): boolean {
    const code = line.replace(/\/\/.*$/, "").trimEnd();
    return /[{([:=,]$|=>$|\bdo$|\bthen$/.test(code);
}
