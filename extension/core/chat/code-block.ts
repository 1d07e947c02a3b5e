/**
 * The code blocks of an answer: what language they are in, which file they mean, and what kind of change they are.
 * Host and webview parse with the same library and options, so a block's index means the same on both sides.
 */
import MarkdownIt, {type Token} from "markdown-it";
import {normaliseRelative} from "../files/paths.js";

export type CodeBlockKind = "code" | "patch" | "searchReplace" | "shell";

export interface CodeBlock {
    /** Place among the fenced blocks of the answer, from 0. */
    index: number;
    kind: CodeBlockKind;
    /** First word of the info string, lower-case; "" when there is none. */
    language: string;
    code: string;
    /** The file that the block names, relative to the workspace, as written by the model: it need not exist. */
    path?: string;
    /** False while the closing fence has not arrived. */
    isClosed: boolean;
}

const shells = new Set([
    "sh",
    "bash",
    "zsh",
    "shell",
    "console",
    "shellsession",
    "fish",
    "bat",
    "cmd",
    "powershell",
    "ps1",
    "pwsh",
]);
const patches = new Set(["diff", "patch", "udiff"]);
const markdown = new MarkdownIt({html: false});
// The same limit as in the page, whose blocks are counted alike.
markdown.options.maxNesting = 1200;

/** The fenced blocks of `text`, nested ones included, in the order of the document. */
export function parseCodeBlocks(text: string): CodeBlock[] {
    const lines = text.split(/\r\n|\r|\n/);
    const tokens = markdown.parse(text, {});
    const blocks: CodeBlock[] = [];
    for (const [at, token] of tokens.entries()) {
        if (token.type !== "fence") continue;
        blocks.push(toBlock(token, blocks.length, tokens.slice(0, at), lines));
    }
    return blocks;
}

/** What an answer writes as inline code outside of blocks, each once: often the names of files. */
export function inlineCodes(text: string): string[] {
    const codes = markdown
        .parse(text, {})
        .flatMap((token) => (token.children ?? []).filter(({type}) => type === "code_inline"));
    return [...new Set(codes.map(({content}) => content))];
}

/** The file that a block's info string names: `ts src/a.ts`, `ts:src/a.ts`, `src/a.ts`, `ts title="src/a.ts"`, with a line range or without. */
export function pathOfInfo(info: string): string | undefined {
    const attribute = /(?:title|file|filename|path|name)\s*=\s*(?:"([^"]+)"|'([^']+)'|(\S+))/i.exec(info);
    if (attribute !== null) return asPath((attribute[1] ?? attribute[2] ?? attribute[3] ?? "").trim());
    const [first = "", ...rest] = info.trim().split(/\s+/);
    const behindColon = /^[\w+#-]+:(.+)$/.exec(first)?.[1];
    for (const word of [behindColon, ...rest, first]) {
        const path = word === undefined ? undefined : asPath(word);
        if (path !== undefined) return path;
    }
    return undefined;
}

function toBlock(token: Token, index: number, before: readonly Token[], lines: readonly string[]): CodeBlock {
    const info = token.info.trim();
    const language = (/^[^\s:{,]+/.exec(info)?.[0] ?? "").toLowerCase();
    const code = token.content.replace(/\n$/, "");
    const kind = kindOf(language, code);
    const path =
        pathOfInfo(info) ?? (kind === "patch" ? pathOfPatch(code) : pathOfFirstLine(code)) ?? pathOfHeading(before);
    const lastLine = lines[(token.map?.[1] ?? 0) - 1] ?? "";
    const isClosed = (token.map?.[1] ?? 0) - (token.map?.[0] ?? 0) > 1 && lastLine.trim().endsWith(token.markup);
    // A word that is the path itself says nothing of the language.
    const named = language === path?.toLowerCase() || language.includes("/") ? "" : language;
    return {index, kind, language: named, code, isClosed, ...(path === undefined ? {} : {path})};
}

function kindOf(language: string, code: string): CodeBlockKind {
    if (/^<{5,9} ?(?:SEARCH|ORIGINAL)?[^\n]*\n/m.test(code) && /^={5,9}\s*$/m.test(code) && /^>{5,9}/m.test(code)) {
        return "searchReplace";
    }
    if (patches.has(language) || (/^--- \S/m.test(code) && /^\+\+\+ \S/m.test(code) && /^@@/m.test(code)))
        return "patch";
    return shells.has(language) ? "shell" : "code";
}

/** `// src/a.ts`, `# src/a.py`, `<!-- a.html -->`, `/* a.css *\/`, `-- a.sql`: a comment that is a path and nothing else. */
function pathOfFirstLine(code: string): string | undefined {
    const first = code.slice(0, code.indexOf("\n") === -1 ? undefined : code.indexOf("\n")).trim();
    const comment = /^(?:\/\/|#|--|;|%|<!--|\/\*+)\s*(?:file(?:name)?|path)?:?\s*(\S+?)\s*(?:-->|\*\/)?$/i.exec(
        first,
    )?.[1];
    return comment === undefined ? undefined : asPath(comment);
}

/** The target of a patch: its `+++` line, or `---` for what it removes. */
export function pathOfPatch(code: string): string | undefined {
    const from = /^--- (?:a\/)?(\S+)/m.exec(code)?.[1];
    const to = /^\+\+\+ (?:b\/)?(\S+)/m.exec(code)?.[1];
    const name = to === undefined || to === "/dev/null" ? from : to;
    return name === undefined || name === "/dev/null" ? undefined : asPath(name);
}

/** A paragraph or heading just before the block that is a path and nothing else: **src/a.ts**, `src/a.ts`:, ### src/a.ts */
function pathOfHeading(before: readonly Token[]): string | undefined {
    const inline = before.at(-2);
    const close = before.at(-1)?.type;
    if (inline?.type !== "inline" || (close !== "paragraph_close" && close !== "heading_close")) return undefined;
    const plain = inline.content
        .trim()
        .replace(/[*_`]/g, "")
        .replace(/^(?:file|path)\s*:\s*/i, "")
        .replace(/:$/, "");
    return /\s/.test(plain) ? undefined : asPath(plain);
}

/** A word as a relative path, when it looks like one: it has a folder or an extension, and stays inside the workspace. */
function asPath(word: string): string | undefined {
    const bare = word.replace(/^["'`(]+|["'`),]+$/g, "").replace(/(?::\d+(?:-\d+)?|#L\d+(?:-L?\d+)?)$/, "");
    if (bare.length > 300 || !/^[\p{L}\p{N}_@.[(][^:*?"<>|\\\r\n\t]*$/u.test(bare) || /^\w+:\/\//.test(bare))
        return undefined;
    const hasExtension = /[^/.][^/]*\.[\p{L}\p{N}_]{1,12}$/u.test(bare);
    if (!hasExtension && !(bare.includes("/") && /[\p{L}\p{N}]$/u.test(bare)) && !/^\.[\w.-]+$/.test(bare))
        return undefined;
    // Versions and numbers ("3.11") are no files.
    if (/^[\d.]+$/.test(bare)) return undefined;
    const path = normaliseRelative(bare);
    return path === "" ? undefined : path;
}
