/** Which colour a theme's TextMate rules give to each kind of highlighted word. Pure. */
import type {TokenColour, TokenName} from "../../protocol/webview/chat.js";

/** As in a theme file, so nothing of it is certain. */
export interface TokenRule {
    scope?: unknown;
    settings?: {foreground?: unknown; fontStyle?: unknown} | undefined;
}

/** The scope that stands for each kind; where a theme says nothing of one, the next. */
const scopes: Record<TokenName, readonly string[]> = {
    comment: ["comment"],
    keyword: ["keyword.control", "keyword", "storage.type", "storage"],
    string: ["string.quoted", "string"],
    number: ["constant.numeric"],
    literal: ["constant.language", "constant"],
    function: ["entity.name.function", "support.function"],
    type: ["entity.name.type", "entity.name.class", "support.class", "support.type", "entity.name"],
    variable: ["variable.other.readwrite", "variable"],
    property: ["variable.other.property", "support.type.property-name", "variable"],
    tag: ["entity.name.tag"],
    attribute: ["entity.other.attribute-name"],
    operator: ["keyword.operator"],
    punctuation: ["punctuation.separator", "punctuation"],
    regexp: ["string.regexp"],
    meta: ["meta.preprocessor", "entity.name.function.preprocessor", "keyword.control.directive"],
    heading: ["markup.heading"],
    inserted: ["markup.inserted"],
    deleted: ["markup.deleted"],
};

/** @param rules in the order of the theme: of two that fit equally well the later one counts */
export function tokenColours(rules: readonly TokenRule[]): Partial<Record<TokenName, TokenColour>> {
    const colours: Partial<Record<TokenName, TokenColour>> = {};
    for (const [name, wanted] of Object.entries(scopes) as [TokenName, readonly string[]][]) {
        const colour = colourOf(wanted, rules);
        if (colour !== undefined) colours[name] = colour;
    }
    return colours;
}

function colourOf(wanted: readonly string[], rules: readonly TokenRule[]): TokenColour | undefined {
    for (const scope of wanted) {
        let colour: {value: string; depth: number} | undefined;
        let style: {value: string; depth: number} | undefined;
        for (const {scope: written, settings} of rules) {
            const depth = Math.max(0, ...selectors(written).map((selector) => matchDepth(selector, scope)));
            if (depth === 0) continue;
            const foreground = settings?.foreground;
            // Only colours: what a theme file says goes into a style sheet.
            if (
                typeof foreground === "string" &&
                /^#[0-9a-f]{3,8}$/i.test(foreground) &&
                depth >= (colour?.depth ?? 0)
            ) {
                colour = {value: foreground, depth};
            }
            if (typeof settings?.fontStyle === "string" && depth >= (style?.depth ?? 0)) {
                style = {value: settings.fontStyle, depth};
            }
        }
        if (colour === undefined) continue;
        return {
            colour: colour.value,
            ...(style?.value.includes("italic") === true ? {isItalic: true} : {}),
            ...(style?.value.includes("bold") === true ? {isBold: true} : {}),
        };
    }
    return undefined;
}

function selectors(scope: unknown): string[] {
    const parts = Array.isArray(scope) ? scope : [scope];
    return parts.flatMap((part) => (typeof part === "string" ? part.split(",").map((one) => one.trim()) : []));
}

/** How many names of the scope a selector gives; 0 when it is about something else, or only inside of something else. */
function matchDepth(selector: string, scope: string): number {
    if (selector === "" || selector.includes(" ")) return 0;
    return scope === selector || scope.startsWith(`${selector}.`) ? selector.split(".").length : 0;
}
