/** One file as text, every token shaded by the share of (layer, KV head) pairs that kept its rows. */
import type {KeptFile} from "../fidelity-report.js";
import {escaped, percent} from "./markup.js";

/** Shades that the style sheet has, from nothing to all. */
const nShades = 9;

/** One digit per token, 0 to 8: what the page's script puts on the tokens when another policy is chosen. */
export function shadesOf(kept: readonly number[]): string {
    return kept.map((share) => Math.min(nShades - 1, Math.round(share ** 0.7 * (nShades - 1)))).join("");
}

/** The text shaded by the first of the cuts, and a choice of the others. */
export function keptText(files: readonly KeptFile[], chosen: number): string {
    const first = files[chosen];
    if (first === undefined) return "";
    const shades = shadesOf(first.kept);
    const tokens = first.tokens.map((text, i) => `<span class="k${shades[i]}">${escaped(text)}</span>`).join("");
    const options = files
        .map(
            ({policy, budget, kept}, i) =>
                `<option value="${shadesOf(kept)}"${i === chosen ? " selected" : ""}>${escaped(policy)} at ${percent(budget)}</option>`,
        )
        .join("");
    const scale = Array.from({length: nShades}, (_, i) => `<span class="k${i}">&nbsp;&nbsp;</span>`).join("");
    return (
        `<p class="choice"><label>Cut <select id="cut">${options}</select></label>` +
        `<span class="scale">no head ${scale} every head</span></p>` +
        `<pre id="file" tabindex="0" aria-label="${escaped(first.path)}">${tokens}</pre>`
    );
}
