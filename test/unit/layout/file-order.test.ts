import fc from "fast-check";
import {describe, expect, it} from "vitest";
import {FileOrder} from "../../../extension/core/layout/file-order.js";

const names = fc.uniqueArray(fc.integer({min: 0, max: 9}).map(String), {maxLength: 8});
const pieces = (texts: readonly string[]) => texts.map((text) => ({text}));
const texts = (arranged: readonly {text: string}[]) => arranged.map(({text}) => text);

describe("the order of files in a prompt", () => {
    it("loses and repeats none", () => {
        fc.assert(
            fc.property(fc.array(names), (calls) => {
                const order = new FileOrder();
                for (const call of calls) expect(texts(order.arrange(pieces(call))).sort()).toEqual([...call].sort());
            }),
        );
    });

    it("is the same for the same files, and goes on where there are more", () => {
        fc.assert(
            fc.property(fc.array(names), names, names, (calls, some, others) => {
                const order = new FileOrder();
                for (const call of calls) order.arrange(pieces(call));
                const before = texts(order.arrange(pieces(some)));
                expect(texts(order.arrange(pieces([...some].reverse())))).toEqual(before);
                // Files that nobody has sent yet come behind all that were.
                const fresh = others.map((name) => `new ${name}`);
                expect(texts(order.arrange(pieces([...fresh, ...some]))).slice(0, before.length)).toEqual(before);
            }),
        );
    });
});
