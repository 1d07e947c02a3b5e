/** Owns the HTML of a webview: a frame under a strict content security policy, into which the page's own script builds. */
import {randomBytes} from "node:crypto";

/** What a page may be: the name of its bundle in dist/webview and its title for screen readers. */
export interface WebviewPage {
    bundle: "chat" | "cache-view";
    title: string;
}

/**
 * The page: one script by nonce, one style sheet, and nothing from anywhere else. Styles set by script go through the
 * CSSOM (`element.style.setProperty`), which the policy does not forbid.
 */
export function pageHtml(
    {bundle, title}: WebviewPage,
    {script, style, cspSource, language}: {script: string; style: string; cspSource: string; language: string},
): string {
    const nonce = randomBytes(18).toString("base64");
    const policy = [
        "default-src 'none'",
        `script-src 'nonce-${nonce}'`,
        `style-src ${cspSource}`,
        `font-src ${cspSource}`,
        `img-src ${cspSource}`,
        "base-uri 'none'",
        "form-action 'none'",
    ].join("; ");
    return `<!DOCTYPE html>
<html lang="${escapeHtml(language)}">
<head>
<meta charset="UTF-8">
<meta http-equiv="Content-Security-Policy" content="${escapeHtml(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1.0">
<title>${escapeHtml(title)}</title>
<link rel="stylesheet" href="${escapeHtml(style)}">
</head>
<body class="${bundle}">
<div id="root"></div>
<script nonce="${nonce}" src="${escapeHtml(script)}" type="module"></script>
</body>
</html>`;
}

function escapeHtml(text: string): string {
    return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
