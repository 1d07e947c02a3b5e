import fc from "fast-check";
import {expect, test} from "vitest";
import {KnownWorkspace} from "../../../extension/engine/workspace/known-workspace.js";

/** A token is a word. */
const tokenize = (text: string) => Uint32Array.from(text.split(/\s+/).filter(Boolean), (_, i) => i);

test("its counts agree with counting anew, whatever is sent, read and seen", () => {
    const path = fc.constantFrom("a.ts", "b.md", "deep/c.ts", ".env");
    const text = fc.constantFrom("const a = 1;", "one two three\n".repeat(40), "x\n".repeat(900), "", "\0\0");
    const step = fc.oneof(
        fc.record({do: fc.constant("set" as const), path, text}),
        fc.record({do: fc.constantFrom("remove" as const, "parts" as const, "attend" as const), path}),
    );
    fc.assert(
        fc.property(fc.array(step, {maxLength: 40}), (steps) => {
            const workspace = new KnownWorkspace("w", tokenize, 256);
            const changed: string[] = [];
            workspace.onDidChange = (file) => changed.push(file);
            for (const one of steps) {
                const textBefore = workspace.files.get(one.path)?.text;
                changed.length = 0;
                if (one.do === "set") workspace.update({workspace: "w", upsert: [{path: one.path, text: one.text}]});
                else if (one.do === "remove") workspace.update({workspace: "w", remove: [one.path]});
                else if (one.do === "parts") workspace.parts(one.path);
                else workspace.markAttended([one.path]);
                const all = [...workspace.files.keys()];
                expect(workspace.knownTokens).toBe(all.reduce((sum, file) => sum + workspace.tokensOf(file), 0));
                const attended = [...workspace.files.values()].filter(
                    ({lastAttendedMs}) => lastAttendedMs !== undefined,
                );
                expect(workspace.nAttended).toBe(attended.length);
                if (workspace.files.get(one.path)?.text !== textBefore) expect(changed).toContain(one.path);
            }
        }),
        {seed: 20_261_122, numRuns: 200},
    );
});
