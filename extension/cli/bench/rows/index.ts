/** All groups of rows, those first that need the least. */
import type {RowGroup} from "../row-group.js";
import {bytesRows} from "./bytes.js";
import {coldRows} from "./cold.js";
import {completionRows} from "./completion.js";
import {decodeRows} from "./decode.js";
import {draftRows} from "./drafts.js";
import {questionRows} from "./question.js";
import {readRows} from "./read.js";
import {smallFileRows} from "./small-files.js";

export const rowGroups: readonly RowGroup[] = [
    bytesRows,
    readRows,
    smallFileRows,
    decodeRows,
    draftRows,
    questionRows,
    completionRows,
    coldRows,
];

export const rowNames: readonly string[] = rowGroups.flatMap((group) => group.rows.map((row) => row.name));
