/**
 * Markdown to elements. Answers are untrusted: raw HTML is text, every element and attribute that is not listed is taken
 * out, nothing is loaded, and links carry no address of their own, so that only our own handler can follow them.
 */
import DOMPurify from "dompurify";
import MarkdownIt, {type Token} from "markdown-it";
import {escapeHtml, highlight} from "./highlight.js";
import {classifyLink, isMisleading} from "./links.js";

/** As the extension parses, so that the n-th block is the same one on both sides. */
const markdown = new MarkdownIt({html: false, linkify: true});
// What is nested deeper than this, and all that follows it, would not be shown.
markdown.options.maxNesting = 1200;
markdown.linkify.set({fuzzyLink: false, fuzzyEmail: false, fuzzyIP: false});
markdown.validateLink = (url) => classifyLink(url) !== undefined;

const tags = [
    ...["p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "strong", "em", "s", "blockquote", "ul", "ol", "li"],
    ...["code", "pre", "span", "a", "table", "thead", "tbody", "tr", "th", "td"],
];
const attributes = ["class", "start", "data-href", "data-block", "data-code"];

/** Counts the fenced blocks of one document while they are rendered. */
type Env = Record<string, unknown> & {nBlocks: number};

markdown.renderer.rules.fence = (tokens, index, _options, env) => {
    const {content, info} = tokens[index] as Token;
    const language = (/^[^\s:{,]+/.exec(info.trim())?.[0] ?? "").toLowerCase();
    const html = highlight(content.replace(/\n$/, ""), language);
    return `<pre data-block="${(env as Env).nBlocks++}"><code class="hljs">${html}</code></pre>`;
};
markdown.renderer.rules.code_block = (tokens, index) =>
    `<pre><code class="hljs">${escapeHtml((tokens[index] as Token).content)}</code></pre>`;
markdown.renderer.rules.code_inline = (tokens, index) => {
    const code = escapeHtml((tokens[index] as Token).content);
    return `<code data-code="${code}">${code}</code>`;
};
markdown.renderer.rules.link_open = (tokens, index) =>
    `<a data-href="${escapeHtml(String((tokens[index] as Token).attrGet("href") ?? ""))}">`;
// Loading a picture would tell its server that the answer was read.
markdown.renderer.rules.image = (tokens, index) => {
    const token = tokens[index] as Token;
    const alt = escapeHtml(token.content === "" ? "image" : token.content);
    return `<a data-href="${escapeHtml(String(token.attrGet("src") ?? ""))}">${alt}</a>`;
};
for (const cell of ["th_open", "td_open"] as const) {
    markdown.renderer.rules[cell] = (tokens, index) => {
        const token = tokens[index] as Token;
        const align = /text-align:(left|center|right)/.exec(String(token.attrGet("style") ?? ""))?.[1];
        return `<${token.tag}${align === undefined ? "" : ` class="align-${align}"`}>`;
    };
}

/** The top-level parts of a document as HTML, which is not clean yet. While an answer grows, only the last ones change. */
export function markdownParts(text: string): string[] {
    const env: Env = {nBlocks: 0};
    const tokens = markdown.parse(text, env);
    const parts: string[] = [];
    let from = 0;
    for (const [at, token] of tokens.entries()) {
        if (token.level !== 0 || token.nesting > 0) continue;
        parts.push(markdown.renderer.render(tokens.slice(from, at + 1), markdown.options, env));
        from = at + 1;
    }
    return parts;
}

/** Clean elements. A link is announced as one, shows where it leads, and is followed by whoever listens for `data-href`. */
export function toElements(html: string): DocumentFragment {
    const fragment = DOMPurify.sanitize(html, {
        ALLOWED_TAGS: tags,
        ALLOWED_ATTR: attributes,
        ALLOW_DATA_ATTR: false,
        ALLOW_ARIA_ATTR: false,
        RETURN_DOM_FRAGMENT: true,
    });
    for (const anchor of fragment.querySelectorAll("a")) {
        const href = anchor.dataset.href ?? "";
        const link = classifyLink(href);
        if (link === undefined) {
            anchor.replaceWith(...anchor.childNodes);
            continue;
        }
        anchor.setAttribute("role", "link");
        anchor.tabIndex = 0;
        anchor.title = link.kind === "web" ? link.url : link.path;
        if (isMisleading(anchor.textContent, link) && link.kind === "web") anchor.append(` (${link.host})`);
    }
    return fragment;
}
