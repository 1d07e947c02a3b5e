/**
 * The name of a segment: a hash over everything that its rows depend on. Two reads that would give
 * the same rows have the same identity, on any machine and in any run; anything else has another.
 * Refining raises a segment's generation and leaves its identity as it is.
 */
import canonicalize from "canonicalize";
import {z} from "zod";
import {loadHashes} from "./load-hashes.js";

/** 64 lower-case hex digits (BLAKE3-256 over the canonical encoding of the fields). */
export type SegmentIdentity = string & {readonly __brand: "SegmentIdentity"};

/** Format of the files in the store. It is in the identity and in the folder's name: a new format never meets old files. */
export const storeVersion = 2;

/** First bytes of the hashed text, so that no other use of the hash can give a segment's name. */
const domain = "kvasir segment identity 1\n";

export const identityFieldsSchema = z.strictObject({
    /** `modelHash` of the GGUF. */
    modelHash: z.string().min(1).max(200),
    /** Name or hash of the tokenizer and of the options it was used with. */
    tokenizer: z.string().max(1000),
    rowType: z.enum(["f16", "q8_0", "q4_0"]),
    /** True when the rows are Hadamard-rotated, as llama.cpp does with a quantised cache. */
    isRotated: z.boolean(),
    storeVersion: z.int().nonnegative(),
    /** Version of the prompt layout: where prefix, files and turns stand. */
    layoutVersion: z.int().nonnegative(),
    /** The whole policy as data. Key order does not matter. */
    policy: z.json(),
    /** Hash of the head profile that shared the budget; null without one. */
    headProfileHash: z.string().min(1).max(200).nullable(),
    /** Share of the rows kept, 1 = all. */
    budget: z.number().positive().max(1),
    /** Hash of the prefix tokens that the file was read behind. */
    prefixHash: z.string().min(1).max(200),
    /** The line of text with the path, as the model has read it. */
    pathHeader: z.string().max(10_000),
    /** `contentHash` of the text of this segment (a file, or a part of it). */
    contentHash: z.string().min(1).max(200),
    placement: z.enum(["parallel", "sequential"]),
});

export type IdentityFields = z.infer<typeof identityFieldsSchema>;

const identityPattern = /^[0-9a-f]{64}$/;

export function isSegmentIdentity(text: string): text is SegmentIdentity {
    return identityPattern.test(text);
}

/**
 * Identity of a segment: BLAKE3-256 over `domain` and the fields as canonical JSON (RFC 8785: sorted
 * keys, ECMAScript numbers, no white space). The encoding is injective, so different fields can only
 * meet in a hash collision. Pure: depends on nothing but the fields.
 */
export async function segmentIdentity(fields: IdentityFields): Promise<SegmentIdentity> {
    const {blake3} = await loadHashes();
    return blake3(domain, canonicalJson(fields)) as SegmentIdentity;
}

/** Hash of a text or of bytes for `contentHash`, `prefixHash` and `headProfileHash`: BLAKE3-256 in hex. */
export async function contentHash(content: Uint8Array | string): Promise<string> {
    return (await loadHashes()).blake3(content);
}

/** Canonical JSON (RFC 8785). Throws on NaN, infinities, cycles and lone surrogates: none of them has one encoding. */
export function canonicalJson(value: unknown): string {
    const text = canonicalize(value);
    if (text === undefined) throw new TypeError("undefined has no canonical JSON");
    return text;
}
