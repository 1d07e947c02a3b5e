import {describe, expect, it} from "vitest";
import * as errors from "../../../extension/protocol/errors.js";

describe("KvasirError", () => {
    it("crosses a process boundary as JSON and comes back the same", () => {
        const error = errors.kvLimit(3 * 2 ** 20 + 1, 2 * 2 ** 20, "src/a.ts");
        const there = JSON.parse(JSON.stringify(error)) as errors.KvasirErrorData;
        expect(there).toEqual({
            code: "kv-limit",
            message: "src/a.ts needs 4 MiB of the 2 MiB KV limit.",
            fix: "Raise --kv-mib, lower --budget, or attend fewer files.",
        });
        const back = errors.KvasirError.fromJSON(there);
        expect(errors.isKvasirError(back, "kv-limit")).toBe(true);
        expect(back.toJSON()).toEqual(there);
        expect(errors.cancelled().toJSON()).not.toHaveProperty("fix");
    });

    it("keeps what it knows and wraps what it does not, with the cause", () => {
        const known = errors.busy("the engine");
        expect(errors.toKvasirError(known)).toBe(known);
        const bug = new RangeError("row 7 of 4");
        expect(errors.toKvasirError(bug)).toMatchObject({code: "internal", message: "row 7 of 4", cause: bug});
        expect(errors.toKvasirError("just text")).toMatchObject({code: "internal", message: "just text"});
        expect(errors.isKvasirError(bug)).toBe(false);
    });

    it("exits 2 for wrong usage and 1 for every other failure", () => {
        expect(errors.exitCodeOf("usage")).toBe(2);
        expect(errors.exitCodeOf(errors.unknownFlag("--fast", "ask").code)).toBe(2);
        expect(errors.exitCodeOf(errors.modelMissing("a.gguf").code)).toBe(1);
        expect(errors.exitCodeOf("cancelled")).toBe(1);
    });
});
