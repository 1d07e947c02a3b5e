/**
 * What a score pass must yield, in nested loops over exported Q and K: the oracle of the native pass.
 */

import {attentionFromAhead, attentionToFile, groupOf, nTokensOf, type Ahead, type Qkv} from "./attention.js";

/** The pass as the native side is asked for it. */
export interface ReferencePass {
    source: "file" | "replay";
    rows: {offset: number; stride: number; count: number};
    /** Above 0 the rows ask from that many positions further on. */
    ahead: number;
    gain: "one" | "sg";
    budgetKeys: number;
    overRows: "sum" | "max" | "norm";
    overHeads: "mean" | "max";
}

/**
 * What one query head pays, folded over the rows that ask, [file token].
 * @param ahead for passes whose rows ask from ahead: how the model rotates, and what was decoded when
 */
export function referenceHeadScores(
    pass: ReferencePass,
    qkv: Qkv,
    layer: number,
    head: number,
    ahead?: Pick<Ahead, "frequencies" | "nDecoded">,
): number[] {
    const n = nTokensOf(qkv);
    const gainOf = (nVisible: number): number => {
        const gain = Math.sqrt(2 * Math.log(nVisible / pass.budgetKeys));
        return qkv.scale * (pass.gain === "sg" && gain > 1 ? gain : 1);
    };
    const gathered = new Array<number>(n).fill(0);
    for (let r = 0; r < pass.rows.count; r++) {
        const row = pass.rows.offset + r * pass.rows.stride;
        const a =
            pass.ahead !== 0
                ? attentionFromAhead(qkv, layer, head, row, gainOf(qkv.prefixTokens + n), {
                      positions: pass.ahead,
                      ...ahead!,
                  })
                : attentionToFile(qkv, layer, head, row, (logits) => gainOf(logits.length), pass.source === "replay");
        for (let j = 0; j < n; j++) {
            gathered[j] =
                pass.overRows === "max"
                    ? Math.max(gathered[j]!, a[j]!)
                    : gathered[j]! + (pass.overRows === "norm" ? a[j]! ** 2 : a[j]!);
        }
    }
    return pass.overRows === "norm" ? gathered.map(Math.sqrt) : gathered;
}

/** Raw scores, [layer][KV head][file token]. @param ahead as of `referenceHeadScores` */
export function referenceRawScores(
    pass: ReferencePass,
    qkv: Qkv,
    ahead?: Pick<Ahead, "frequencies" | "nDecoded">,
): number[][][] {
    const group = groupOf(qkv);
    return qkv.k.map((kvHeads, layer) =>
        kvHeads.map((_, kvHead) => {
            const perQueryHead = Array.from({length: group}, (__, i) =>
                referenceHeadScores(pass, qkv, layer, kvHead * group + i, ahead),
            );
            return Array.from({length: nTokensOf(qkv)}, (__, j) => {
                const over = perQueryHead.map((scores) => scores[j]!);
                return pass.overHeads === "max" ? Math.max(...over) : over.reduce((a, b) => a + b, 0) / group;
            });
        }),
    );
}

/** ||V_j||_2^2 of the file's tokens, [layer][KV head][file token]. */
export function referenceValueNorms(qkv: Qkv): number[][][] {
    return qkv.v.map((heads) =>
        heads.map((rows) =>
            rows
                .slice(qkv.prefixTokens, qkv.prefixTokens + nTokensOf(qkv))
                .map((v) => v.reduce((total, x) => total + x * x, 0)),
        ),
    );
}
