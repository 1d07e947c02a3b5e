import {describe, expect, test} from "vitest";
import {formatBytes, formatCount, formatMs, formatNumberOf, formatShare} from "../../../extension/cli/output/units.js";

describe("numbers for people", () => {
    test.each([
        [0, "0 B"],
        [1023, "1023 B"],
        [1024, "1.0 KiB"],
        [1536, "1.5 KiB"],
        [1_048_575, "1.0 MiB"],
        [94_371_840, "90.0 MiB"],
        [3.5 * 2 ** 30, "3.5 GiB"],
    ])("%d bytes", (bytes, text) => expect(formatBytes(bytes)).toBe(text));

    test.each([
        [0, "0"],
        [999, "999"],
        [1000, "1.0k"],
        [999_949, "999.9k"],
        [999_950, "1.0M"],
    ])("%d tokens", (count, text) => expect(formatCount(count)).toBe(text));

    test.each([
        [0.44, "0.4 ms"],
        [9.96, "10 ms"],
        [999.4, "999 ms"],
        [999.6, "1.0 s"],
        [59_949, "59.9 s"],
        [60_000, "1 min 00 s"],
        [125_400, "2 min 05 s"],
    ])("%d ms", (ms, text) => expect(formatMs(ms)).toBe(text));

    test.each([
        [1, 4, "25 %"],
        [1, 16, "6.3 %"],
        [0, 5, "0 %"],
        [5, 5, "100 %"],
        [0, 0, "-"],
    ])("%d of %d", (part, whole, text) => expect(formatShare(part, whole)).toBe(text));

    test("one and many", () => {
        expect(formatNumberOf(1, "file")).toBe("1 file");
        expect(formatNumberOf(0, "file")).toBe("0 files");
    });
});
