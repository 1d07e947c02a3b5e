/** What an edit of the active file costs, before it is made and after. */
import {t} from "../shared/l10n.js";
import {h} from "../shared/dom.js";
import {afterText, beforeText} from "./edit-cost-text.js";
import type {PageContext, View} from "./page-context.js";
import type {PageState} from "./state.js";

export function createEditCostView(_context: PageContext): View {
    const name = h("strong", {});
    const before = h("span", {});
    const after = h("span", {class: "dim"});
    const element = h("section", {class: "edit-cost", "aria-label": t("Cost of an edit")}, name, before, after);
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
