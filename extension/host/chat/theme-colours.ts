/**
 * The colours that the theme gives to code. VS Code tells a page the colours of the workbench but not those of tokens, so
 * they are read from the theme's own file, and from the user's changes to it.
 */
import * as vscode from "vscode";
import {parse} from "jsonc-parser";
import {tokenColours, type TokenRule} from "../../core/chat/theme-tokens.js";
import type {TokenColour, TokenName} from "../../protocol/webview/chat.js";

interface ThemeContribution {
    id?: string;
    label: string;
    path: string;
}

/** A theme includes another one, which includes another one; no further. */
const maxIncludes = 8;

/** @returns nothing for a theme whose file cannot be found or is in the old XML form */
export async function themeColours(): Promise<Partial<Record<TokenName, TokenColour>>> {
    const name = themeName();
    const theme = vscode.extensions.all
        .flatMap((extension) => {
            const {contributes} = extension.packageJSON as {contributes?: {themes?: ThemeContribution[]}};
            return (contributes?.themes ?? []).map((contribution) => ({extension, contribution}));
        })
        .find(({contribution}) => contribution.id === name || contribution.label === name);
    if (theme === undefined) return {};
    const uri = vscode.Uri.joinPath(theme.extension.extensionUri, theme.contribution.path);
    return tokenColours([...(await rulesOf(uri, 0)), ...customRules(name)]);
}

/** With `window.autoDetectColorScheme` the theme in use is one of the preferred ones, by its kind. */
function themeName(): string {
    const workbench = vscode.workspace.getConfiguration("workbench");
    const {kind} = vscode.window.activeColorTheme;
    const isContrast = kind === vscode.ColorThemeKind.HighContrast || kind === vscode.ColorThemeKind.HighContrastLight;
    const isLight = kind === vscode.ColorThemeKind.Light || kind === vscode.ColorThemeKind.HighContrastLight;
    const window = vscode.workspace.getConfiguration("window");
    const isDetected =
        window.get("autoDetectColorScheme") === true || (isContrast && window.get("autoDetectHighContrast") === true);
    const preferred = isContrast
        ? isLight
            ? "preferredHighContrastLightColorTheme"
            : "preferredHighContrastColorTheme"
        : isLight
          ? "preferredLightColorTheme"
          : "preferredDarkColorTheme";
    const key = isDetected ? preferred : "colorTheme";
    return workbench.get<string>(key) ?? "";
}

async function rulesOf(uri: vscode.Uri, depth: number): Promise<TokenRule[]> {
    if (depth > maxIncludes) return [];
    const text = new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
    const theme = parse(text, [], {allowTrailingComma: true}) as {include?: unknown; tokenColors?: unknown} | undefined;
    const folder = vscode.Uri.joinPath(uri, "..");
    const included =
        typeof theme?.include === "string" ? await rulesOf(vscode.Uri.joinPath(folder, theme.include), depth + 1) : [];
    // Some themes keep their rules in a file of their own.
    const own =
        typeof theme?.tokenColors === "string"
            ? await rulesOf(vscode.Uri.joinPath(folder, theme.tokenColors), depth + 1)
            : Array.isArray(theme?.tokenColors)
              ? (theme.tokenColors as TokenRule[])
              : [];
    return [...included, ...own];
}

function customRules(name: string): TokenRule[] {
    const custom =
        vscode.workspace.getConfiguration("editor").get<Record<string, unknown>>("tokenColorCustomizations") ?? {};
    const own = custom[`[${name}]`] as {textMateRules?: unknown} | undefined;
    return [custom["textMateRules"], own?.textMateRules].flatMap((rules) =>
        Array.isArray(rules) ? (rules as TokenRule[]) : [],
    );
}
