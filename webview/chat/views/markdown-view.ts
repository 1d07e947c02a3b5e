/**
 * Shows markdown that grows: a part whose HTML has not changed keeps its elements, so that a selection, the focus and the
 * place one reads at stay while the rest is still being written.
 */
import type {AnswerView, BlockAction} from "../../../extension/protocol/webview/chat.js";
import {h} from "../../shared/dom.js";
import {classifyLink} from "../links.js";
import {markdownParts, toElements} from "../markdown.js";
import {codeBlock} from "./code-block.js";

export interface MarkdownHandlers {
    onBlock: (index: number, action: BlockAction) => void;
    onFile: (path: string, line: number | undefined) => void;
    onLink: (url: string) => void;
}

export interface MarkdownView {
    element: HTMLElement;
    update(answer: Pick<AnswerView, "text" | "blocks" | "files">): void;
}

export function markdownView(handlers: MarkdownHandlers): MarkdownView {
    const element = h("div", {class: "markdown"});
    let shown: {key: string; element: HTMLElement}[] = [];
    const follow = (event: Event) => {
        const anchor = (event.target as HTMLElement).closest<HTMLElement>("[data-href], [data-file]");
        if (anchor === null) return;
        event.preventDefault();
        const {file, line, href = ""} = anchor.dataset;
        if (file !== undefined) {
            handlers.onFile(file, line === undefined ? undefined : Number(line));
            return;
        }
        const link = classifyLink(href);
        if (link?.kind === "web") handlers.onLink(link.url);
        else if (link !== undefined) handlers.onFile(link.path, link.line);
    };
    element.addEventListener("click", follow);
    element.addEventListener("keydown", (event) => {
        if (event.key === "Enter") follow(event);
    });

    const part = (html: string, {blocks, files}: Pick<AnswerView, "blocks" | "files">): HTMLElement => {
        const box = h("div", {class: "part"});
        box.append(toElements(html));
        for (const pre of box.querySelectorAll("pre")) {
            const place = document.createComment("");
            pre.replaceWith(place);
            const block = pre.dataset.block === undefined ? undefined : blocks[Number(pre.dataset.block)];
            place.replaceWith(codeBlock(pre, block, handlers.onBlock, (path) => handlers.onFile(path, undefined)));
        }
        for (const code of box.querySelectorAll<HTMLElement>("code[data-code]")) {
            const file = Object.hasOwn(files, code.dataset.code ?? "") ? files[code.dataset.code ?? ""] : undefined;
            if (file === undefined || code.closest("a") !== null) continue;
            code.classList.add("file-link");
            code.dataset.file = file.path;
            if (file.line !== undefined) code.dataset.line = String(file.line);
            code.tabIndex = 0;
            code.setAttribute("role", "link");
            code.title = file.path;
        }
        return box;
    };

    return {
        element,
        update(answer) {
            const parts = markdownParts(answer.text);
            const isFinal = answer.blocks.length > 0 || Object.keys(answer.files).length > 0;
            const details = isFinal ? JSON.stringify([answer.blocks, answer.files]) : "";
            const next = parts.map((html, index) => {
                // Plain words do not depend on what is known of blocks and files.
                const key = /data-(?:block|code)=/.test(html) ? html + details : html;
                const old = shown[index];
                return old?.key === key ? old : {key, element: part(html, answer)};
            });
            for (const [index, {element: now}] of next.entries()) {
                const at = element.children[index];
                if (at === now) continue;
                if (at === undefined) element.append(now);
                else at.replaceWith(now);
            }
            while (element.children.length > next.length) element.lastElementChild?.remove();
            shown = next;
        },
    };
}
