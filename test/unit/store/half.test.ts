import {execFileSync} from "node:child_process";
import {describe, expect, test} from "vitest";
import {fromHalves, toHalves} from "../../../extension/engine/store/half.js";

const halfOf = (value: number): number => new DataView(toHalves(Float32Array.of(value)).buffer).getUint16(0, true);

describe("half precision", () => {
    // From the tables of IEEE 754-2008 binary16.
    test.each([
        [0, 0x0000],
        [-0, 0x8000],
        [1, 0x3c00],
        [-2, 0xc000],
        [65504, 0x7bff],
        [65520, 0x7c00],
        [1e9, 0x7c00],
        [-Infinity, 0xfc00],
        [2 ** -14, 0x0400],
        [2 ** -24, 0x0001],
        [2 ** -25, 0x0000],
        [1.5 * 2 ** -25, 0x0001],
        [2 ** -14 - 2 ** -24, 0x03ff],
        [1 / 3, 0x3555],
        [1 + 2 ** -11, 0x3c00],
        [1 + 3 * 2 ** -11, 0x3c02],
        [2047 + 0.5, 0x67ff + 1],
    ])("%f is %i", (value, half) => expect(halfOf(value)).toBe(half));

    test("not a number stays one", () => {
        expect(fromHalves(toHalves(Float32Array.of(NaN)))[0]).toBeNaN();
    });

    test("all 65,536 halves: the numbers that Python reads in them, and back to the same bits", () => {
        const python =
            "import struct,sys\nfor i in range(65536): print(repr(struct.unpack('<e', struct.pack('<H', i))[0]))";
        const expected = execFileSync("python3", ["-c", python], {encoding: "utf8"}).trim().split("\n");
        const all = Uint8Array.from({length: 131_072}, (_, i) => (i % 2 === 0 ? (i >> 1) & 255 : i >> 9));
        const numbers = fromHalves(all);
        expected.forEach((text, i) => {
            const number = numbers[i]!;
            if (text.includes("nan")) return expect(number).toBeNaN();
            expect(
                Object.is(number, text.includes("inf") ? (text.startsWith("-") ? -1 : 1) * Infinity : Number(text)),
            ).toBe(true);
            expect(halfOf(number)).toBe(i);
        });
    });
});
