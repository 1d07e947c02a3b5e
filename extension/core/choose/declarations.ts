/**
 * Owns which names a file declares, by patterns, language by language: what a person means by "where is X".
 * Locals do not count. A pattern that errs adds a name nobody asks for.
 */
import {type Language, languageOf} from "./languages.js";

/** A name that a file declares. */
export interface Declaration {
    name: string;
    /** 1-based. */
    line: number;
    /** Visible outside the file, as far as the text tells. */
    isExported: boolean;
}

/** Declared names in order, each at its first place; none for unknown languages. */
export function scanDeclarations(path: string, text: string): Declaration[] {
    const language = languageOf(path);
    if (language === undefined) return [];
    const found = new Map<string, {name: string; at: number; isExported: boolean}>();
    for (const {pattern, isExported} of patterns[language]) {
        for (const match of text.matchAll(pattern)) {
            const name = match.groups?.["name"];
            if (name === undefined || notNames.has(name)) continue;
            const exported = typeof isExported === "boolean" ? isExported : isExported(match[0], name);
            const before = found.get(name);
            if (before === undefined)
                found.set(name, {name, at: match.index + match[0].lastIndexOf(name), isExported: exported});
            else if (exported) before.isExported = true;
        }
    }
    return withLines(
        text,
        [...found.values()].sort((a, b) => a.at - b.at),
    );
}

interface Pattern {
    pattern: RegExp;
    isExported: boolean | ((match: string, name: string) => boolean);
}

// Words that stand where a method's name would: `if (...) {`.
const notNames = new Set(
    "if for while switch catch return function constructor new else do try with await typeof throw using lock foreach sizeof super this in of and or not print".split(
        " ",
    ),
);

const saysExport = (match: string) => /^\s*export\b/.test(match);
const saysPublic = (match: string) => !/\b(?:private|protected|internal)\b/.test(match);
const isPlain = (_match: string, name: string) => !name.startsWith("_");
const isUpper = (_match: string, name: string) => /^\p{Lu}/u.test(name);

const patterns: Record<Language, readonly Pattern[]> = {
    javascript: [
        {
            pattern:
                /^[ \t]{0,8}(?:export[ \t]+)?(?:default[ \t]+)?(?:declare[ \t]+)?(?:abstract[ \t]+)?(?:async[ \t]+)?(?:function[ \t]*\*?|class|interface|enum|const[ \t]+enum|namespace|module)[ \t]+(?<name>[\w$]+)/gm,
            isExported: saysExport,
        },
        {pattern: /^(?:export[ \t]+)?(?:declare[ \t]+)?type[ \t]+(?<name>[\w$]+)[^=\n]*=/gm, isExported: saysExport},
        {
            pattern: /^(?:export[ \t]+)?(?:declare[ \t]+)?(?:const(?![ \t]+enum\b)|let|var)[ \t]+(?<name>[\w$]+)/gm,
            isExported: saysExport,
        },
        // Methods: a name, an argument list, and a body or a type, at the start of an indented line.
        {
            pattern:
                /^[ \t]+(?:(?:public|private|protected|static|readonly|override|abstract|async|get|set)[ \t]+)*\*?(?<name>#?[A-Za-z_$][\w$]*)[ \t]*(?:<[^>\n]*>)?\([^;\n]*(?:\{|:[^;\n?]*\{)[ \t]*$/gm,
            isExported: false,
        },
        {pattern: /\b(?:module\.)?exports\.(?<name>[\w$]+)[ \t]*=/g, isExported: true},
    ],
    python: [
        {pattern: /^[ \t]*(?:async[ \t]+)?(?:def|class)[ \t]+(?<name>\w+)/gm, isExported: isPlain},
        {pattern: /^(?<name>[A-Za-z_]\w*)[ \t]*(?::[^=\n]+)?=(?!=)/gm, isExported: isPlain},
    ],
    go: [
        {pattern: /^func[ \t]+(?:\([^)]*\)[ \t]*)?(?<name>\w+)/gm, isExported: isUpper},
        {pattern: /^(?:type|var|const)[ \t]+(?<name>\w+)/gm, isExported: isUpper},
        {pattern: /^\t(?<name>[A-Z]\w*)[ \t]+(?:struct|interface|func|=)/gm, isExported: isUpper},
    ],
    rust: [
        {
            pattern:
                /^[ \t]*(?:pub(?:\([^)]*\))?[ \t]+)?(?:default[ \t]+)?(?:const[ \t]+)?(?:async[ \t]+)?(?:unsafe[ \t]+)?(?:extern[ \t]+"[^"]*"[ \t]+)?(?:fn|struct|enum|trait|union|type|mod|macro_rules!)[ \t]+(?<name>\w+)/gm,
            isExported: (match) => /\bpub\b|macro_rules/.test(match),
        },
        {
            pattern: /^(?:pub(?:\([^)]*\))?[ \t]+)?(?:const|static)[ \t]+(?:mut[ \t]+)?(?<name>\w+)[ \t]*:/gm,
            isExported: (match) => /\bpub\b/.test(match),
        },
    ],
    java: [
        {
            pattern:
                /^[ \t]*(?:[\w@]+[ \t]+)*(?:class|interface|enum|record|object|trait|@interface)[ \t]+(?<name>\w+)/gm,
            isExported: saysPublic,
        },
        {
            pattern: /^[ \t]*(?:\w+[ \t]+)*(?:fun|def)[ \t]+(?:<[^>\n]*>[ \t]*)?(?:[\w.<>?]+\.)?(?<name>\w+)/gm,
            isExported: saysPublic,
        },
        {
            pattern:
                /^[ \t]+(?:(?:public|protected|private|static|final|abstract|synchronized|default|native)[ \t]+)+(?:<[^>\n]*>[ \t]*)?[\w<>[\],.? ]+[ \t](?<name>\w+)[ \t]*\(/gm,
            isExported: saysPublic,
        },
    ],
    c: [
        {
            pattern:
                /^[ \t]*(?:typedef[ \t]+)?(?:struct|class|enum(?:[ \t]+(?:class|struct))?|union|namespace|concept)[ \t]+(?:\w+[ \t]+)?(?<name>\w+)[^;\n]*$/gm,
            isExported: true,
        },
        {
            pattern:
                /^(?!(?:return|else|typedef|using)\b)[A-Za-z_][\w \t*&:<>,~]*?[ \t*&](?:\w+::)*(?<name>~?\w+)[ \t]*\([^;]{0,400}?(?:\{|\)[ \t]*(?:const[ \t]*)?(?:noexcept[ \t]*)?$)/gm,
            isExported: (match) => !/^static\b/.test(match),
        },
        {pattern: /^[ \t]*#[ \t]*define[ \t]+(?<name>\w+)/gm, isExported: true},
        {pattern: /^(?:typedef\b[^;{]*?|\}[ \t]*)\b(?<name>\w+)[ \t]*;/gm, isExported: true},
        {
            pattern: /^(?!(?:return|else|typedef)\b)[A-Za-z_][\w \t*]*[ \t*](?<name>\w+)[ \t]*\([^;{]*\)[ \t]*;/gm,
            isExported: true,
        },
        {pattern: /^[ \t]*using[ \t]+(?<name>\w+)[ \t]*=/gm, isExported: true},
    ],
    csharp: [
        {
            pattern:
                /^[ \t]*(?:\w+[ \t]+)*(?:class|interface|enum|record|struct|delegate[ \t]+\w+)[ \t]+(?<name>\w+)/gm,
            isExported: saysPublic,
        },
        {
            pattern:
                /^[ \t]+(?:(?:public|protected|private|internal|static|virtual|override|abstract|async|sealed|partial|extern)[ \t]+)+[\w<>[\],.? ]+[ \t](?<name>\w+)[ \t]*(?:<[^>\n]*>)?(?:\(|\{|=>)/gm,
            isExported: saysPublic,
        },
    ],
    ruby: [
        {
            pattern: /^[ \t]*(?:def[ \t]+(?:self\.)?|class[ \t]+(?:\w+::)*|module[ \t]+(?:\w+::)*)(?<name>\w+[?!]?)/gm,
            isExported: true,
        },
        {pattern: /^[ \t]*(?<name>[A-Z][A-Z0-9_]+)[ \t]*=/gm, isExported: true},
    ],
    php: [
        {
            pattern: /^[ \t]*(?:\w+[ \t]+)*(?:function|class|interface|trait|enum)[ \t]+&?(?<name>\w+)/gm,
            isExported: saysPublic,
        },
    ],
    css: [
        {pattern: /^[ \t]*@(?:mixin|function|keyframes)[ \t]+(?<name>[\w-]+)/gm, isExported: true},
        {pattern: /^[ \t]*[$](?<name>[\w-]+)[ \t]*:/gm, isExported: true},
    ],
};

function withLines(text: string, found: readonly {name: string; at: number; isExported: boolean}[]): Declaration[] {
    let line = 1;
    let offset = 0;
    return found.map(({name, at, isExported}) => {
        for (
            let newline = text.indexOf("\n", offset);
            newline !== -1 && newline < at;
            newline = text.indexOf("\n", offset)
        ) {
            line += 1;
            offset = newline + 1;
        }
        return {name, line, isExported};
    });
}
