import {describe, expect, it} from "vitest";
import {mentionText, parseMentions, withoutMarks} from "../../../extension/core/chat/mention.js";

const kinds = (text: string) => parseMentions(text).map(({kind, value}) => (value === "" ? kind : `${kind}:${value}`));

describe("mentions", () => {
    it.each([
        ["see @src/a.ts.", ["path:src/a.ts"]],
        ["@src/ and (@lib/b.py)", ["path:src/", "path:lib/b.py"]],
        [
            '@"my file.ts" @symbol:Cart.total @symbol:"operator <"',
            ["path:my file.ts", "symbol:Cart.total", "symbol:operator <"],
        ],
        ["@selection, @problems! @terminal @diff", ["selection", "problems", "terminal", "diff"]],
        ["mail me@example.com or @", []],
        ["`@decorator` and\n```\n@other\n```\n@real", ["path:real"]],
        ["@selections", ["path:selections"]],
    ])("of %j", (text, expected) => {
        expect(kinds(text)).toEqual(expected);
    });

    it("are written so that they are read again", () => {
        for (const value of ["src/a.ts", "a b.ts", "what?.md", "x)", "ends."]) {
            const text = `see ${mentionText("path", value)} now`;
            expect(kinds(text)).toEqual([`path:${value}`]);
            expect(kinds(`see ${mentionText("symbol", value)} now`)).toEqual([`symbol:${value}`]);
        }
        expect(kinds(mentionText("diff"))).toEqual(["diff"]);
    });

    it("know their place in the text", () => {
        const text = "a @src/a.ts, @selection: why?";
        for (const {kind, start, end} of parseMentions(text)) {
            expect(text.slice(start, end)).toBe(kind === "path" ? "@src/a.ts" : "@selection");
        }
        expect(withoutMarks(text, parseMentions(text))).toBe("a src/a.ts, the selection: why?");
    });
});
