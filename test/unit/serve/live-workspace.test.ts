import {mkdir, mkdtemp, rm, utimes, writeFile} from "node:fs/promises";
import {tmpdir} from "node:os";
import path from "node:path";
import {describe, expect, it, onTestFinished} from "vitest";
import {LiveWorkspace} from "../../../extension/cli/live-workspace.js";
import type {WorkspaceUpdate} from "../../../extension/protocol/engine.js";

async function workspaceOf(files: Record<string, string>) {
    const root = await mkdtemp(path.join(tmpdir(), "kv-live-"));
    onTestFinished(() => rm(root, {recursive: true, force: true}));
    for (const [name, text] of Object.entries(files)) {
        await mkdir(path.dirname(path.join(root, name)), {recursive: true});
        await writeFile(path.join(root, name), text);
    }
    const updates: WorkspaceUpdate[] = [];
    const live = new LiveWorkspace(
        root,
        {
            updateWorkspace: async (update) => {
                updates.push(update);
                return {known: 0};
            },
        },
        0,
    );
    const sent = () =>
        updates.splice(0).map(({upsert = [], remove = []}) => ({
            upsert: upsert.map((file) => `${file.path}=${file.text}`),
            remove,
        }));
    return {root, live, sent};
}

describe("a workspace that is looked at before each question", () => {
    it("sends what is new, what changed and what is gone, and nothing twice", async () => {
        const {root, live, sent} = await workspaceOf({
            "a.ts": "1",
            "src/b.ts": "2",
            ".env": "KEY=1",
            "x.log": "3",
            ".gitignore": "*.log",
        });
        await live.refresh();
        expect(sent()).toEqual([{upsert: [".gitignore=*.log", "a.ts=1", "src/b.ts=2"], remove: []}]);
        await live.refresh();
        expect(sent()).toEqual([]);
        await writeFile(path.join(root, "a.ts"), "11");
        await rm(path.join(root, "src/b.ts"));
        await live.refresh();
        expect(sent()).toEqual([{upsert: ["a.ts=11"], remove: ["src/b.ts"]}]);
        await writeFile(path.join(root, "a.ts"), new Uint8Array([0, 1, 2, 0]));
        await utimes(path.join(root, "a.ts"), 1, 1);
        await live.refresh();
        expect(sent()).toEqual([{upsert: [], remove: ["a.ts"]}]);
        live.forget();
        await live.refresh();
        expect(sent()).toEqual([{upsert: [".gitignore=*.log"], remove: []}]);
    });

    it("finds files by name and folder, and no others", async () => {
        const {live} = await workspaceOf({"src/a.ts": "1", "src/b.ts": "2", "srcs/c.ts": "3", ".env": "KEY=1"});
        await live.refresh();
        expect(live.filesNamed(["./src/", "src/a.ts"])).toEqual(["src/a.ts", "src/b.ts"]);
        expect(live.filesNamed(["."])).toEqual(["src/a.ts", "src/b.ts", "srcs/c.ts"]);
        for (const name of [".env", "../a.ts", "/etc/passwd", "src/nothing.ts"])
            expect(() => live.filesNamed([name])).toThrow(/there is no file/);
    });
});
