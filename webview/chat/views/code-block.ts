/** A code block of an answer: its name, its code, and what can be done with it. */
import type {BlockAction, BlockView} from "../../../extension/protocol/webview/chat.js";
import {h} from "../../shared/dom.js";
import {languageName} from "../highlight.js";
import {t} from "../../shared/l10n.js";
import {button} from "./button.js";
import {type IconName} from "./icon.js";

/** @param block undefined while the answer is being written: then there is only the code */
export function codeBlock(
    pre: HTMLElement,
    block: BlockView | undefined,
    onAction: (index: number, action: BlockAction) => void,
    onOpen: (path: string) => void,
): HTMLElement {
    pre.tabIndex = 0;
    const language = block === undefined || block.language === "" ? "" : languageName(block.language);
    const name = block?.path ?? language;
    pre.setAttribute("aria-label", name === "" ? t("Code") : t("Code, {0}", name));
    pre.setAttribute("role", "region");
    if (block === undefined) return h("div", {class: "code-block"}, pre);
    const title =
        block.path === undefined || block.isNewFile
            ? h(
                  "span",
                  {class: "code-name", title: block.path},
                  block.path ?? language,
                  block.isNewFile ? h("span", {class: "badge"}, t("new")) : undefined,
              )
            : button({label: block.path, class: "link code-name", title: t("Open {0}", block.path)}, () =>
                  onOpen(block.path ?? ""),
              );
    const tools = h(
        "div",
        {class: "code-tools", role: "toolbar", "aria-label": t("What to do with this code")},
        block.actions.map((action) => toolButton(action, block, () => onAction(block.index, action))),
    );
    return h("div", {class: "code-block"}, h("div", {class: "code-head"}, title, tools), pre);
}

function toolButton(action: BlockAction, {path}: BlockView, onClick: () => void): HTMLElement {
    const tools: Record<BlockAction, {label: string; icon: IconName}> = {
        apply: {label: path === undefined ? t("Apply to a file…") : t("Apply to {0}", path), icon: "diff"},
        copy: {label: t("Copy"), icon: "copy"},
        insert: {label: t("Insert at the cursor"), icon: "insert"},
        create: {label: path === undefined ? t("Make a new file…") : t("Make the file {0}", path), icon: "create"},
        run: {label: t("Run in the terminal…"), icon: "terminal"},
    };
    const {label, icon} = tools[action];
    const text = action === "apply" ? t("Apply") : action === "create" && path !== undefined ? t("Create") : undefined;
    const words = text ?? (action === "run" ? t("Run") : undefined);
    if (words === undefined) return button({label, icon, isIconOnly: true}, onClick);
    const element = button({label: words, icon, class: "quiet tool", title: label}, onClick);
    element.setAttribute("aria-label", label);
    return element;
}
