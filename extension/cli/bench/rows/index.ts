/** All groups of rows, those first that need the least. */
import type {RowGroup} from "../row-group.js";
import {bytesRows} from "./bytes.js";
import {coldRows} from "./cold.js";
import {completionRows} from "./completion.js";
import {decodeRows} from "./decode.js";
import {questionRows} from "./question.js";
import {readRows} from "./read.js";

export const rowGroups: readonly RowGroup[] = [bytesRows, readRows, decodeRows, questionRows, completionRows, coldRows];

export const rowNames: readonly string[] = rowGroups.flatMap((group) => group.rows.map((row) => row.name));
