/** Owns the small bar that shows a share beside its number. */
import {h} from "../shared/dom.js";
import {formatShare} from "./format.js";

/** @param share in [0, 1] */
export function keptBar(share: number): HTMLElement {
    const fill = h("span", {class: "kept-fill"});
    fill.style.setProperty("width", `${Math.min(1, share) * 100}%`);
    return h(
        "span",
        {class: "kept"},
        h("span", {class: "kept-track", "aria-hidden": "true"}, fill),
        h("span", {class: "kept-number"}, formatShare(share)),
    );
}
