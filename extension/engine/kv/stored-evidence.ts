/**
 * The scores of a segment that still waits to be cut, as they lie on disk: in half precision where that is enough, for
 * all layers, those without a cut as zeros. With them a stored segment is cut later without reading its file again.
 */
import {fromHalves, maxHalf, toHalves} from "../store/half.js";
import type {SegmentFile} from "../store/segment-file.js";
import type {ScoreKind} from "../store/segment-header.js";
import type {SegmentContent} from "../store/write-segment.js";
import type {KvContext} from "./kv-context.js";
import type {CutEvidence, Segment} from "./segment.js";

type ContextPart = Pick<KvContext, "shape" | "globalLayers" | "ofGlobalLayers">;

/** Undefined for a segment that is cut already. */
export function scoresOf({facts}: Pick<Segment, "facts">, context: ContextPart): SegmentContent["scores"] {
    const {evidence, nTokens} = facts;
    if (evidence === undefined) return undefined;
    const arrays: [ScoreKind, Float32Array | undefined][] = [
        ["attention", evidence.scores],
        ["valueNorms", evidence.valueNorms],
    ];
    const kinds: ScoreKind[] = [];
    const perLayer = context.shape.nKvHeads * nTokens;
    const perArray = context.shape.nLayers * perLayer;
    const all = new Float32Array(perArray * arrays.filter(([, values]) => values !== undefined).length);
    for (const [kind, values] of arrays) {
        if (values === undefined) continue;
        const at = kinds.length * perArray;
        context.globalLayers.forEach((layer, i) =>
            all.set(values.subarray(i * perLayer, (i + 1) * perLayer), at + layer * perLayer),
        );
        kinds.push(kind);
    }
    if (kinds.length === 0) return undefined;
    const isSmall = all.every((value) => Math.abs(value) <= maxHalf);
    return isSmall ? {type: "f16", kinds, data: toHalves(all)} : {type: "f32", kinds, data: floatBytes(all)};
}

/** Undefined for a segment that was cut before it was stored. @throws KvasirError `store-corrupt` */
export async function readEvidence(file: SegmentFile, context: ContextPart): Promise<CutEvidence | undefined> {
    const stored = await file.readScores();
    if (stored === undefined) return undefined;
    const all = stored.type === "f16" ? fromHalves(stored.data) : floatsOf(stored.data);
    const perLayer = context.shape.nKvHeads * file.header.nTokens;
    const perArray = context.shape.nLayers * perLayer;
    const of = (kind: ScoreKind): Float32Array | undefined => {
        const i = stored.kinds.indexOf(kind);
        return i < 0 ? undefined : context.ofGlobalLayers(all.slice(i * perArray, (i + 1) * perArray), perLayer);
    };
    return {scores: of("attention"), valueNorms: of("valueNorms")};
}

function floatBytes(values: Float32Array): Uint8Array {
    const view = new DataView(new ArrayBuffer(4 * values.length));
    values.forEach((value, i) => view.setFloat32(4 * i, value, true));
    return new Uint8Array(view.buffer);
}

function floatsOf(bytes: Uint8Array): Float32Array {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return Float32Array.from({length: bytes.byteLength / 4}, (_, i) => view.getFloat32(4 * i, true));
}
