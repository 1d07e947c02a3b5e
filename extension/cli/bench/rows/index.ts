/** All groups of rows, those first that need the least. */
import type {RowGroup} from "../row-group.js";
import {bytesRows} from "./bytes.js";
import {candidateRows} from "./candidates.js";
import {coldRows} from "./cold.js";
import {completionRows} from "./completion.js";
import {longDecodeRows} from "./decode-long.js";
import {decodeRows} from "./decode.js";
import {draftRows} from "./drafts.js";
import {memoryRows} from "./memory.js";
import {longQuestionCaseRows, questionCaseRows} from "./question-cases.js";
import {questionRows} from "./question.js";
import {readRows} from "./read.js";
import {smallFileRows} from "./small-files.js";
import {switchRows} from "./switch.js";

export const rowGroups: readonly RowGroup[] = [
    bytesRows,
    ...readRows,
    smallFileRows,
    ...switchRows,
    ...longDecodeRows,
    decodeRows,
    draftRows,
    candidateRows,
    completionRows,
    questionRows,
    coldRows,
    questionCaseRows,
    memoryRows,
    longQuestionCaseRows,
];

/** Each name once, however many peers its row has. */
export const rowNames: readonly string[] = [
    ...new Set(rowGroups.flatMap((group) => group.rows.map((row) => row.name))),
];
