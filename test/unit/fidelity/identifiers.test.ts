import {describe, expect, test} from "vitest";
import {identifiersOf, sharedIdentifiers, tokensWithin} from "../../../extension/core/fidelity/identifiers.js";
import {tokenPlaces} from "../../../extension/core/fidelity/token-places.js";

const spansAsText = (path: string, text: string, contexts: string[]) =>
    sharedIdentifiers(
        {path, text},
        contexts.map((context) => ({path: "src/theirPath.ts", text: context})),
    ).map(({start, end}) => ({start, name: text.slice(start, end)}));

describe("sharedIdentifiers", () => {
    const context = "export function createAtom(name: string) { const abc = 1; return value$2; }\n\n";

    test("takes names of four characters and more that the context has, at their first place", () => {
        const text = "abc = createAtom(createAtom, value$2, other, File, theirPath);";
        expect(spansAsText("b.ts", text, [context])).toEqual([
            {start: text.indexOf("createAtom"), name: "createAtom"},
            {start: text.indexOf("value$2"), name: "value$2"},
            {start: text.indexOf("theirPath"), name: "theirPath"},
        ]);
    });

    test("leaves keywords out, by the language of the target", () => {
        const text = "export function string() { name }";
        expect(spansAsText("b.ts", text, [context]).map(({name}) => name)).toEqual(["name"]);
        // What TypeScript reserves, a Go file may use as a name.
        expect(spansAsText("b.go", text, [context]).map(({name}) => name)).toEqual(["export", "function", "name"]);
    });

    test("compares whole names, with their case", () => {
        expect(spansAsText("b.ts", "createAtoms CreateAtom createAto _createAtom", [context])).toEqual([]);
    });

    test("knows names of other scripts", () => {
        expect(spansAsText("b.py", "größe = 1", ["größe: int"]).map(({name}) => name)).toEqual(["größe"]);
        expect([...identifiersOf("𠮷野家家 𠮷野家", new Set()).keys()]).toEqual(["𠮷野家家"]);
    });
});

test("a token is marked when it shares a character with a span, whatever else it holds", () => {
    const text = "x = createAtom(name)";
    //             x  ' =' ' create' 'Atom(' 'na' 'me' ')'
    const starts = [0, 1, 3, 10, 15, 17, 19];
    const spans = [
        {start: 4, end: 14},
        {start: 15, end: 19},
    ];
    expect([...tokensWithin(spans, starts, text.length)]).toEqual([0, 0, 1, 1, 1, 1, 0]);
});

test("tokens inside one character are marked together", () => {
    // Three tokens for one character, then one.
    expect([...tokensWithin([{start: 0, end: 2}], [0, 0, 0, 2], 3)]).toEqual([1, 1, 1, 0]);
});

describe("tokenPlaces", () => {
    test("finds where tokens begin, and groups those that are parts of one character", () => {
        const bytes = new TextEncoder().encode("a🦊b");
        const pieces = [...bytes].map((byte) => Uint8Array.of(byte));
        const textOf = (from: number, to: number) =>
            new TextDecoder().decode(Uint8Array.from(pieces.slice(from, to).flatMap((piece) => [...piece])));
        expect([...tokenPlaces("a🦊b", pieces.length, textOf)!]).toEqual([0, 1, 1, 1, 1, 3]);
    });

    test("says so when the tokens are another text", () => {
        expect(tokenPlaces("ab", 2, (from, to) => "ac".slice(from, to))).toBeUndefined();
        expect(tokenPlaces("abc", 2, (from, to) => "ab".slice(from, to))).toBeUndefined();
    });
});
