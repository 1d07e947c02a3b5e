import {describe, expect, test} from "vitest";
import {
    formatAgo,
    formatBytes,
    formatCount,
    formatFiles,
    formatSeconds,
    formatShare,
} from "../../../webview/cache-view/format.js";

describe("numbers for people", () => {
    test.each([
        [0, "0 B"],
        [980, "980 B"],
        [1023, "1023 B"],
        [1024, "1.0 KiB"],
        [1536, "1.5 KiB"],
        [150 * 1024, "150 KiB"],
        [1024 * 1024 - 1, "1.0 MiB"],
        [11.2 * 2 ** 30, "11.2 GiB"],
        [5000 * 2 ** 40, "5000 TiB"],
        [-3, "0 B"],
    ])("%d bytes are %s", (bytes, expected) => {
        expect(formatBytes(bytes)).toBe(expected);
    });

    test.each([
        [0, "0 %"],
        [0.004, "< 1 %"],
        [0.25, "25 %"],
        [0.999, "100 %"],
        [1, "100 %"],
    ])("a share of %d is %s", (share, expected) => {
        expect(formatShare(share)).toBe(expected);
    });

    test.each([
        [undefined, "never"],
        [999_000, "just now"],
        [2_000_000, "just now"],
        [1_000_000 - 61_000, "1 minute ago"],
        [1_000_000 - 7200_000, "2 hours ago"],
        [1_000_000 - 3 * 86_400_000, "3 days ago"],
    ])("%s", (then, expected) => {
        expect(formatAgo(then, 1_000_000)).toBe(expected);
    });

    test.each([
        [0.04, "0.0 s"],
        [4.26, "4.3 s"],
        [12.4, "12 s"],
        [89, "89 s"],
        [180, "3 min"],
        [7300, "2 h"],
    ])("%d seconds are %s", (seconds, expected) => {
        expect(formatSeconds(seconds)).toBe(expected);
    });

    test("counts", () => {
        expect(formatCount(1234567.4)).toBe("1,234,567");
        expect(formatFiles(1)).toBe("1 file");
        expect(formatFiles(1200)).toBe("1,200 files");
    });
});
