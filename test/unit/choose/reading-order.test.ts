import {expect, test} from "vitest";
import {readingOrder} from "../../../extension/core/choose/reading-order.js";

const imports: Readonly<Record<string, readonly string[]>> = {"b.ts": ["e.ts", "gone.ts"], "c.ts": ["a.ts", "e.ts"]};
const importsOf = (path: string) => imports[path] ?? [];
const all = ["a.ts", "b.ts", "c.ts", "d.ts", "e.ts"];

test("files at hand come first, then what they import, then the rest in its order; each once", () => {
    expect(readingOrder(all, ["c.ts", "b.ts"], importsOf)).toEqual(["c.ts", "b.ts", "a.ts", "e.ts", "d.ts"]);
});

test("nothing is added: neither an open file nor an import that is not to be read", () => {
    expect(readingOrder(["d.ts", "e.ts"], ["b.ts"], importsOf)).toEqual(["e.ts", "d.ts"]);
});

test("with nothing at hand the order stays", () => {
    expect(readingOrder(all, [], importsOf)).toEqual(all);
});
