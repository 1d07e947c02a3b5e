import {describe, expect, it} from "vitest";
import {
    accept,
    createReview,
    follow,
    isReviewOpen,
    reject,
    type ReviewFile,
} from "../../../extension/core/chat/edit/review.js";

const before = "one\ntwo\nthree\nfour\nfive\nsix\n";
const after = "ONE\ntwo\nthree\nfour\nfive\nSIX\n";

function fileOf(current: string | undefined, proposed: string | undefined): ReviewFile {
    return createReview("r", "Edit", [{path: "a.txt", current, proposed}]).files[0]!;
}

describe("a review", () => {
    it("is decided hunk by hunk", () => {
        const start = fileOf(before, after);
        expect(start.hunks).toHaveLength(2);
        const taken = accept(start, start.hunks[0]!.id)!;
        expect(taken.decision).toEqual({path: "a.txt", text: before.replace("one", "ONE")});
        const left = reject(taken.file, taken.file.hunks[0]!.id)!;
        expect(left.current).toBe(before.replace("one", "ONE"));
        expect([left.nAccepted, left.nRejected, left.hunks.length]).toEqual([1, 1, 0]);
        expect(isReviewOpen({id: "r", title: "", files: [left]})).toBe(false);
    });

    it("knows nothing of a hunk that is no longer there", () => {
        const start = fileOf(before, after);
        const {file} = accept(start, start.hunks[0]!.id)!;
        expect(accept(file, start.hunks[0]!.id)).toBeUndefined();
        expect(reject(file, "0-deadbeef")).toBeUndefined();
    });

    it("an undo in the editor brings the hunk back", () => {
        const start = fileOf(before, after);
        const {file} = accept(start, start.hunks[1]!.id)!;
        const undone = follow(file, before);
        expect(undone.hunks.map(({added}) => added)).toEqual([["ONE\n"], ["SIX\n"]]);
        expect(undone.nAccepted).toBe(0);
    });

    it("an undo after everything was decided brings it back too", () => {
        const {file} = accept(fileOf(before, after))!;
        expect(file.hunks).toEqual([]);
        expect(follow(file, before).hunks).toHaveLength(2);
    });

    it("goes on over typing elsewhere, and says what typing has overtaken", () => {
        const start = fileOf(before, after);
        const typed = follow(start, before.replace("three", "3"));
        expect(typed.hunks).toHaveLength(2);
        const overtaken = follow(typed, before.replace("three", "3").replace("six", "six and more"));
        expect([overtaken.hunks.length, overtaken.nLost]).toEqual([1, 1]);
        expect(accept(overtaken)!.decision.text).toBe("ONE\ntwo\n3\nfour\nfive\nsix and more\n");
    });

    it("makes and removes files", () => {
        expect(accept(fileOf(undefined, "new\n"))!.decision.text).toBe("new\n");
        expect(accept(fileOf("old\n", undefined))!.decision.text).toBeUndefined();
        const empty = fileOf(undefined, "");
        expect(isReviewOpen({id: "r", title: "", files: [empty]})).toBe(true);
        expect(accept(empty)!.decision.text).toBe("");
        expect(isReviewOpen({id: "r", title: "", files: [reject(empty)!]})).toBe(false);
    });
});
