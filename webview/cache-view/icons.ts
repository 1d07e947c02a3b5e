/** Owns the few pictures of the page, drawn as SVG in the text's colour; each is decoration beside a text. */
import type {Tier} from "../../extension/protocol/engine.js";
import {t} from "../shared/l10n.js";

const paths = {
    /** A full disc: the model sees it. */
    attended: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2Z",
    /** A full square: in memory. */
    memory: "M3 3h10v10H3Z",
    /** Stacked plates: on disk. */
    disk: "M2 3h12v3H2Zm0 4h12v3H2Zm0 4h12v3H2Z",
    /** A ring: known by its text only. */
    known: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2Zm0 1.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9Z",
    /** A cross: not read at all. */
    skipped: "M3.5 2.5 8 7l4.5-4.5 1 1L9 8l4.5 4.5-1 1L8 9l-4.5 4.5-1-1L7 8 2.5 3.5Z",
    pin: "M6 1h4v5l2.5 3v1.5H8.7V15H7.3v-4.5H3.5V9L6 6Z",
    folder: "M1.5 3h5l1.5 1.5h6.5V13h-13Z",
    up: "M8 4l5 7H3Z",
    down: "M8 12 3 5h10Z",
} as const;

export type IconName = keyof typeof paths;

export function icon(name: IconName): SVGSVGElement {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 16 16");
    svg.setAttribute("aria-hidden", "true");
    svg.classList.add("icon", `icon-${name}`);
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", paths[name]);
    svg.append(path);
    return svg;
}

/** For people: where a file's rows are. */
export function tierName(tier: Tier): string {
    switch (tier) {
        case "attended":
            return t("attended");
        case "memory":
            return t("in memory");
        case "disk":
            return t("on disk");
        case "known":
            return t("not read yet");
    }
}
