/** What an edit of the active file costs, before it is made and after. */
import type {EditCost} from "../../extension/protocol/webview/cache-view.js";
import {h} from "../shared/dom.js";
import {formatCount, formatSeconds} from "./format.js";
import type {PageContext, View} from "./page-context.js";
import type {PageState} from "./state.js";

export function createEditCostView(_context: PageContext): View {
    const name = h("strong", {});
    const before = h("span", {});
    const after = h("span", {class: "dim"});
    const element = h("section", {class: "edit-cost", "aria-label": "Cost of an edit"}, name, before, after);
    element.hidden = true;
    return {
        element,
        update({editCost}: PageState) {
            element.hidden = editCost === undefined;
            if (editCost === undefined) return;
            name.textContent = editCost.path.slice(editCost.path.lastIndexOf("/") + 1);
            name.title = editCost.path;
            before.textContent = beforeText(editCost);
            after.textContent = afterText(editCost);
        },
    };
}

/** "An edit costs reading 1,234 tokens again." */
export function beforeText({tokens, seconds, isCurrent, readTokens}: EditCost): string {
    const cost = `${formatCount(tokens)} tokens${seconds === undefined ? "" : ` (about ${formatSeconds(seconds)})`}`;
    if (isCurrent) return `An edit costs ${cost}: this file is read again, no other.`;
    if (readTokens === undefined) return `Reading it costs ${cost}.`;
    return `This edit costs ${cost}: this file is read again, no other.`;
}

/** "The last edit did cost 1,240 tokens in 4.1 s." */
export function afterText({last}: EditCost): string {
    return last === undefined
        ? ""
        : `The last edit cost ${formatCount(last.tokens)} tokens in ${formatSeconds(last.seconds)}.`;
}
