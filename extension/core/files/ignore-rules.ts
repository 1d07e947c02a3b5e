/**
 * Owns which paths of a workspace are ignored: the built-in list, then every folder's `.gitignore` and
 * `.kvasirignore`, deeper and later rules winning, as git composes them. Must not know the disk: it is
 * given the files' texts.
 */
import ignore, {type Ignore} from "ignore";

/** Read in this order in every folder; so a `!` rule in `.kvasirignore` brings back what git ignores. */
export const ignoreFileNames = [".gitignore", ".kvasirignore"] as const;

/**
 * Folders that hold nothing a person wrote, even in a workspace without any ignore file. Names that
 * projects also use for sources (`build`, `out`, `target`, `vendor`, `bin`) are left to their own rules.
 */
export const defaultExcludes: readonly string[] = [
    ".git/",
    ".hg/",
    ".svn/",
    ".jj/",
    ".DS_Store",
    "node_modules/",
    "bower_components/",
    "jspm_packages/",
    ".yarn/",
    ".pnp.*",
    ".npm/",
    "dist/",
    "coverage/",
    ".nyc_output/",
    ".next/",
    ".nuxt/",
    ".svelte-kit/",
    ".turbo/",
    ".parcel-cache/",
    ".cache/",
    ".vercel/",
    "__pycache__/",
    ".venv/",
    "venv/",
    ".tox/",
    ".mypy_cache/",
    ".pytest_cache/",
    ".ruff_cache/",
    ".eggs/",
    "*.egg-info/",
    ".ipynb_checkpoints/",
    ".gradle/",
    ".idea/",
    ".vs/",
    ".vscode-test/",
    ".terraform/",
    ".dart_tool/",
    ".bundle/",
    ".kvasir/",
];

export interface IgnoreRulesOptions {
    /** The built-in excludes; give an empty list to do without. */
    defaults?: readonly string[];
    /** Further patterns of the user, stronger than the defaults, weaker than any ignore file. */
    extra?: readonly string[];
    /** As git's core.ignoreCase: true on file systems that do not tell `A` from `a`. */
    ignoreCase?: boolean;
}

/** Immutable: `within` gives the rules of a folder, which hold for that folder and everything below it. */
export class IgnoreRules {
    readonly #patterns: readonly string[];
    readonly #ignoreCase: boolean;
    readonly #matcher: Ignore;

    private constructor(patterns: readonly string[], ignoreCase: boolean) {
        this.#patterns = patterns;
        this.#ignoreCase = ignoreCase;
        this.#matcher = ignore({ignoreCase}).add(patterns);
    }

    /** Rules of a workspace in which no ignore file was read yet. */
    static create({defaults = defaultExcludes, extra = [], ignoreCase = false}: IgnoreRulesOptions = {}): IgnoreRules {
        return new IgnoreRules([...defaults, ...extra], ignoreCase);
    }

    /**
     * The rules inside a folder with the texts of its ignore files, weaker ones first.
     * @param folder workspace-relative POSIX path, `""` for the root
     */
    within(folder: string, texts: readonly string[]): IgnoreRules {
        const added = texts.flatMap((text) => parseIgnoreFile(folder, text));
        return added.length === 0 ? this : new IgnoreRules([...this.#patterns, ...added], this.#ignoreCase);
    }

    /**
     * Whether a path is ignored. A file below an ignored folder is ignored, whatever rules name it (as in git).
     * @param path workspace-relative POSIX path, not empty, without a trailing slash
     */
    ignores(path: string, isFolder: boolean): boolean {
        return this.#matcher.ignores(isFolder ? `${path}/` : path);
    }
}

/** The patterns of one ignore file, rewritten so that they hold at the root (gitignore(5), "PATTERN FORMAT"). */
function parseIgnoreFile(folder: string, text: string): string[] {
    const patterns: string[] = [];
    for (const rawLine of text.replace(/^\uFEFF/, "").split(/\r?\n/)) {
        if (rawLine.trim() === "" || rawLine.startsWith("#")) continue;
        patterns.push(folder === "" ? rawLine : anchored(folder, rawLine));
    }
    return patterns;
}

/** A pattern with a slash before its end is relative to its folder; any other matches at every depth below it. */
function anchored(folder: string, line: string): string {
    const isNegated = line.startsWith("!");
    // Behind a folder's name the first character needs its escape (`\#`, `\!`) no more.
    const pattern = (isNegated ? line.slice(1) : line).replace(/^\\(?=[#!])/, "");
    const isRelative = /\/(?!\s*$)/.test(pattern);
    const base = `/${escapeGlob(folder)}/`;
    return (isNegated ? "!" : "") + base + (isRelative ? pattern.replace(/^\//, "") : `**/${pattern}`);
}

/** A folder may be called `[id]` or `a*b`: taken literally. */
function escapeGlob(folder: string): string {
    return folder.replace(/[\\*?[\]]/g, "\\$&").replace(/ /g, "\\ ");
}
