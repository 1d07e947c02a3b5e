/**
 * Owns the translation of an editor's exclude globs (`files.exclude`) into ignore patterns, so that one matcher decides.
 * Must not know the editor: it is given the setting's value.
 */

/** Alternatives multiply; a setting with more of them than this means something else. */
const maxAlternatives = 64;

/**
 * Ignore patterns (as in .gitignore, relative to the workspace folder) of the globs that are switched on. Globs with a
 * condition (`{"when": ...}`) depend on other files and are left out.
 * @param globs as in `files.exclude`: glob to true, false or a condition
 */
export function patternsOfGlobs(globs: Readonly<Record<string, unknown>>): string[] {
    return Object.entries(globs).flatMap(([glob, isOn]) => (isOn === true ? expandBraces(glob).map(toPattern) : []));
}

/** A glob holds from the root of the folder; an ignore pattern does so only with a slash in front. */
function toPattern(glob: string): string {
    // In ignore files a leading "!" and "#" mean something; in globs they do not.
    if (glob.startsWith("**/")) return glob;
    return glob.startsWith("/") ? glob : `/${glob}`;
}

/** `a.{b,c}` gives `a.b` and `a.c`, which ignore patterns cannot say at once. Nested braces work too. */
function expandBraces(glob: string): string[] {
    const open = glob.indexOf("{");
    if (open === -1) return [glob];
    let depth = 0;
    const cuts = [open];
    for (let i = open; i < glob.length; i++) {
        if (glob[i] === "{") depth++;
        else if (glob[i] === "}" && --depth === 0) {
            const parts = [...cuts, i].slice(1).map((end, n) => glob.slice((cuts[n] ?? open) + 1, end));
            const expanded = parts.flatMap((part) => expandBraces(glob.slice(0, open) + part + glob.slice(i + 1)));
            return expanded.slice(0, maxAlternatives);
        } else if (glob[i] === "," && depth === 1) cuts.push(i);
    }
    // A brace that is never closed is a character.
    return [glob];
}
