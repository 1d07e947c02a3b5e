/** The columns that files and folders have in common: how much was kept, and what it takes. */
import {t} from "../shared/l10n.js";
import {formatBytes, formatCount} from "./format.js";
import {keptBar} from "./kept-bar.js";
import type {GridColumn} from "./virtual-grid.js";

export interface Sizes {
    tokens: number;
    /** Mean over layers and KV heads. */
    keptRows: number;
    bytes: number;
}

type SizeColumns<Row> = Record<"tokens" | "kept" | "bytes", Omit<GridColumn<Row, never>, "id">>;

/** @param tokensFrom width of the grid from which the tokens are shown, px */
export function sizeColumns<Row>(sizesOf: (row: Row) => Sizes, tokensFrom: number): SizeColumns<Row> {
    return {
        tokens: {
            title: t("Tokens"),
            width: "6em",
            isNumber: true,
            fromWidth: tokensFrom,
            cell: (row) => [formatCount(sizesOf(row).tokens)],
        },
        kept: {
            title: t("Kept"),
            width: "6.5em",
            narrowWidth: "3em",
            isNumber: true,
            fromWidth: 0,
            cell(row) {
                const {keptRows, tokens} = sizesOf(row);
                return keptRows === 0 ? ["–"] : [keptBar(keptRows / tokens)];
            },
        },
        bytes: {
            title: t("Bytes"),
            width: "5.5em",
            narrowWidth: "4.8em",
            isNumber: true,
            fromWidth: 0,
            cell(row) {
                const {bytes} = sizesOf(row);
                return [bytes === 0 ? "–" : formatBytes(bytes)];
            },
        },
    };
}
