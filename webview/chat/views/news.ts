/** Something small that has happened ("Copied"): shown for a moment, and spoken. */
import {announce} from "../../shared/accessibility.js";
import {h} from "../../shared/dom.js";
import type {Page, View} from "../page.js";

const shownMs = 4000;

export function newsView(page: Page): View {
    const element = h("div", {class: "news", hidden: true});
    let shown: string | undefined;
    let end: ReturnType<typeof setTimeout> | undefined;
    return {
        element,
        update({news}) {
            if (news === shown) return;
            shown = news;
            element.hidden = news === undefined;
            element.textContent = news ?? "";
            clearTimeout(end);
            if (news === undefined) return;
            announce(news);
            end = setTimeout(() => page.dispatch({type: "news", text: undefined}), shownMs);
        },
    };
}
