import {describe, expect, test} from "vitest";
import {
    noCounts,
    startingFrom,
    type SuggestionEvent,
    tallied,
    tallyFrom,
    type TallyState,
    totalOf,
} from "../../../extension/core/completion/tally.js";

const fresh: TallyState = startingFrom({since: 0, byLanguage: {}});
const shown = (id: string, text: string, offset = 10): SuggestionEvent => ({
    kind: "shown",
    id,
    languageId: "typescript",
    document: "a.ts",
    offset,
    text,
});
const typed = (inserted: string, offset: number, removed = 0): SuggestionEvent => ({
    kind: "changed",
    document: "a.ts",
    offset,
    removed,
    inserted,
});
const accepted = (id: string): SuggestionEvent => ({kind: "accepted", id});
const gone: SuggestionEvent = {kind: "gone"};
const counts = (...events: SuggestionEvent[]) => {
    const {shown: nShown, accepted, partly, typed, rejected, charsTaken} = totalOf(events.reduce(tallied, fresh).tally);
    return {shown: nShown, accepted, partly, typed, rejected, charsTaken};
};

describe("what became of a suggestion", () => {
    test.each<[string, SuggestionEvent[], Partial<typeof noCounts>]>([
        ["left standing", [shown("1", "abc"), gone], {shown: 1, rejected: 1}],
        ["replaced by another", [shown("1", "abc"), shown("2", "xyz"), gone], {shown: 2, rejected: 2}],
        ["typed over", [shown("1", "abc"), typed("q", 10), gone], {shown: 1, rejected: 1}],
        ["typed elsewhere", [shown("1", "abc"), typed("a", 3), gone], {shown: 1, rejected: 1}],
        [
            "left by the cursor",
            [shown("1", "abc"), {kind: "moved", document: "a.ts", offset: 3}, gone],
            {shown: 1, rejected: 1},
        ],
        [
            "the cursor following what is typed",
            [shown("1", "ab"), typed("a", 10), {kind: "moved", document: "a.ts", offset: 11}, accepted("1")],
            {shown: 1, accepted: 1, charsTaken: 1},
        ],
        ["typed to its end", [shown("1", "ab"), typed("a", 10), typed("b", 11), gone], {shown: 1, typed: 1}],
        [
            "accepted whole, the text first",
            [shown("1", "abc"), typed("abc", 10), accepted("1"), gone],
            {shown: 1, accepted: 1, charsTaken: 3},
        ],
        [
            "accepted whole, the command first",
            [shown("1", "abc"), accepted("1"), typed("abc", 10), gone],
            {shown: 1, accepted: 1, charsTaken: 3},
        ],
        [
            "accepted whole, the command when the next one is up",
            [shown("1", "abc"), typed("abc", 10), shown("2", "xyz", 13), accepted("1"), gone],
            {shown: 2, accepted: 1, rejected: 1, charsTaken: 3},
        ],
        [
            "accepted whole, where the editor had not taken the newer answer",
            [shown("1", "abc"), shown("2", "xyz"), typed("abc", 10), accepted("1"), gone],
            {shown: 2, accepted: 1, rejected: 1, charsTaken: 3},
        ],
        [
            "accepted with a word of the list, which the editor inserts as another edit",
            [shown("1", "bc()"), typed("abc()", 8, 2), accepted("1")],
            {shown: 1, accepted: 1, charsTaken: 4},
        ],
        [
            "a word taken, the rest left",
            [shown("1", "foo bar"), typed("foo", 10), shown("1", " bar", 13), gone],
            {shown: 1, partly: 1, charsTaken: 3},
        ],
        [
            "a word taken, then the rest",
            [shown("1", "foo bar"), typed("foo", 10), shown("1", " bar", 13), typed(" bar", 13), accepted("1")],
            {shown: 1, accepted: 1, charsTaken: 7},
        ],
        [
            "typed along, then accepted: only the rest was spared",
            [shown("1", "abc"), typed("a", 10), shown("1", "bc", 11), accepted("1")],
            {shown: 1, accepted: 1, charsTaken: 2},
        ],
        [
            "typed along a bracket that the editor closes",
            [shown("1", "(a)"), typed("()", 10), shown("1", "a)", 11), accepted("1")],
            {shown: 1, accepted: 1, charsTaken: 2},
        ],
    ])("%s", (_, events, expected) => {
        expect(counts(...events)).toEqual({...noCounts, ...expected});
    });

    test("another of the same answer, chosen instead of the first, is accepted at its own length", () => {
        const events: SuggestionEvent[] = [
            shown("1", "abc"),
            typed("wxyz", 10),
            {kind: "accepted", id: "1", length: 4},
        ];
        expect(counts(...events)).toEqual({...noCounts, shown: 1, accepted: 1, charsTaken: 4});
    });

    test("an accept of something not shown counts nothing", () => {
        expect(counts(accepted("9"))).toEqual(noCounts);
        expect(counts(shown("1", "a"), accepted("1"), accepted("1"))).toEqual({
            ...noCounts,
            shown: 1,
            accepted: 1,
            charsTaken: 1,
        });
    });

    test("changes of another document do not end it", () => {
        const elsewhere: SuggestionEvent = {kind: "changed", document: "b.ts", offset: 10, removed: 0, inserted: "q"};
        expect(counts(shown("1", "abc"), elsewhere, accepted("1"))).toMatchObject({accepted: 1, rejected: 0});
    });

    test("languages are counted apart", () => {
        const state = [shown("1", "abc"), {...shown("2", "x"), languageId: "python"} as SuggestionEvent, gone].reduce(
            tallied,
            fresh,
        );
        expect(state.tally.byLanguage).toEqual({
            typescript: {...noCounts, shown: 1, rejected: 1},
            python: {...noCounts, shown: 1, rejected: 1},
        });
    });
});

describe("kept counts", () => {
    test("come back as they were", () => {
        const {tally} = [shown("1", "abc"), gone].reduce(tallied, fresh);
        expect(tallyFrom(JSON.parse(JSON.stringify(tally)), 99)).toEqual(tally);
    });

    test.each([undefined, null, 3, "x", [], {since: "a"}, {since: 1, byLanguage: null}])("%j starts anew", (kept) => {
        expect(totalOf(tallyFrom(kept, 99))).toEqual(noCounts);
    });

    test("a damaged language is left out, the others stay", () => {
        const good = {...noCounts, shown: 2};
        expect(tallyFrom({since: 1, byLanguage: {a: good, b: {shown: 1}, c: null}}, 99)).toEqual({
            since: 1,
            byLanguage: {a: good},
        });
    });
});
