import {describe, expect, test} from "vitest";
import {
    canonicalJson,
    contentHash,
    type IdentityFields,
    isSegmentIdentity,
    segmentIdentity,
} from "../../../extension/engine/store/identity.js";
import {loadHashes} from "../../../extension/engine/store/load-hashes.js";

const fields: IdentityFields = {
    modelHash: "m".repeat(64),
    tokenizer: "gpt-2 é",
    rowType: "q8_0",
    isRotated: true,
    storeVersion: 1,
    layoutVersion: 3,
    policy: {rows: "all", gain: {kind: "sg"}, pins: [4, 8]},
    headProfileHash: null,
    budget: 0.125,
    prefixHash: "p",
    pathHeader: "// File: src/a b.ts\n",
    contentHash: "c",
    placement: "parallel",
};

describe("hashes", () => {
    // Computed with the reference implementations' Python bindings (blake3 1.x, xxhash 3.x).
    test("agree with the reference implementations", async () => {
        const {blake3, xxh128} = await loadHashes();
        expect(blake3("")).toBe("af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
        expect(blake3("abc")).toBe("6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85");
        expect(blake3("a", Buffer.from("b"), "c")).toBe(blake3("abc"));
        expect(Buffer.from(xxh128()).toString("hex")).toBe("99aa06d3014798d86001c324468d497f");
        expect(Buffer.from(xxh128(Buffer.from("kva"), Buffer.from("sir"))).toString("hex")).toBe(
            "c8c83ae79d20cabf9c10dfab8b3a484f",
        );
        expect(await contentHash("naïve\n")).toBe("3e439370dc57cec66591310542f88c3cf6f62d6fbfbbf8cf054579595e5e6ec9");
        expect(await contentHash(Buffer.from("naïve\n"))).toBe(await contentHash("naïve\n"));
    });
});

describe("segment identity", () => {
    // BLAKE3 in Python over the domain and json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False).
    test("is the same on every machine and in every run", async () => {
        const identity = await segmentIdentity(fields);
        expect(identity).toBe("f31c273126c0eefa2a82cc2e96a75dfc89795dc4407cb39e4d8f142f6b333642");
        expect(isSegmentIdentity(identity)).toBe(true);
    });

    test("does not depend on the order of keys", async () => {
        const reversed = Object.fromEntries(Object.entries(fields).reverse()) as unknown as IdentityFields;
        const turned = {...reversed, policy: {pins: [4, 8], gain: {kind: "sg"}, rows: "all"}};
        expect(await segmentIdentity(turned)).toBe(await segmentIdentity(fields));
    });

    test("differs when any field differs", async () => {
        const changes: Partial<IdentityFields>[] = [
            {modelHash: "n".repeat(64)},
            {tokenizer: "gpt-2 é "},
            {rowType: "f16"},
            {isRotated: false},
            {storeVersion: 2},
            {layoutVersion: 4},
            {policy: {rows: "all", gain: {kind: "sg"}, pins: [8, 4]}},
            {policy: {rows: "all", gain: {kind: "sg"}, pins: ["4", 8]}},
            {headProfileHash: "null"},
            {budget: 0.25},
            {prefixHash: "q"},
            {pathHeader: "// File: src/a b.ts"},
            {contentHash: "d"},
            {placement: "sequential"},
        ];
        const identities = await Promise.all([{}, ...changes].map((change) => segmentIdentity({...fields, ...change})));
        expect(new Set(identities).size).toBe(changes.length + 1);
        expect(new Set(changes.flatMap((change) => Object.keys(change)))).toEqual(new Set(Object.keys(fields)));
    });

    test("cannot be confused by text that looks like another field", async () => {
        const a = await segmentIdentity({...fields, prefixHash: 'p","rowType":"f16', contentHash: "c"});
        const b = await segmentIdentity({...fields, prefixHash: "p", contentHash: "c"});
        expect(a).not.toBe(b);
    });

    test("values without one encoding are refused", () => {
        for (const value of [NaN, Infinity, undefined, "\ud800"]) expect(() => canonicalJson(value)).toThrow();
    });
});
