import assert from "node:assert/strict";
import * as vscode from "vscode";
import {activated, eventually, workspaceUri} from "./extension-under-test.js";

const write = (text: string, ...path: string[]) =>
    vscode.workspace.fs.writeFile(workspaceUri(...path), new TextEncoder().encode(text));

describe("the files of the workspace", () => {
    after(() => vscode.commands.executeCommand("workbench.action.closeAllEditors"));

    it("are found, sent to the engine and counted", async () => {
        const {ctx} = await activated();
        await eventually("the first scan", () => ctx.workspace.state().name === "synced");
        await ctx.workspace.flush();
        assert.ok(ctx.workspace.has("src/mobx.ts"), "src/mobx.ts is known");
        const files = await ctx.engine.files(ctx.workspace.id);
        assert.deepEqual(
            files.map(({path}) => path).sort(),
            ctx.workspace.paths().filter((path) => files.some((file) => file.path === path)),
        );
        assert.ok(files.some(({path}) => path === "src/mobx.ts"));
        assert.ok(ctx.workspace.paths().length > 50);
    });

    it("secrets are not read, not even for a moment, and are listed with the reason", async () => {
        const {ctx} = await activated();
        await write("TOKEN=1\n", ".env");
        await write(`export const key = "${"AKIA" + "Q3EGZ7XWVBNM5TRK"}";\n`, "src/keys.ts");
        await write("export const harmless = 1;\n", "src/harmless.ts");
        await eventually("the harmless file", () => ctx.workspace.has("src/harmless.ts"));
        await ctx.workspace.flush();
        const paths = (await ctx.engine.files(ctx.workspace.id))
            .filter(({reason}) => reason === undefined)
            .map(({path}) => path);
        assert.ok(paths.includes("src/harmless.ts"));
        assert.ok(!paths.includes(".env") && !paths.includes("src/keys.ts"));
        assert.match(ctx.workspace.skipped().find(({path}) => path === ".env")?.reason ?? "", /secrets/);
        assert.match(ctx.workspace.skipped().find(({path}) => path === "src/keys.ts")?.reason ?? "", /secrets/);
    });

    it("ignore rules count as soon as they are written", async () => {
        const {ctx} = await activated();
        await write("export const later = 1;\n", "later/ignored.ts");
        await eventually("the new file", () => ctx.workspace.has("later/ignored.ts"));
        await write("later/\n", ".kvasirignore");
        await eventually("the file to be left out", () => !ctx.workspace.has("later/ignored.ts"));
        await ctx.workspace.flush();
        const files = await ctx.engine.files(ctx.workspace.id);
        assert.ok(!files.some(({path}) => path === "later/ignored.ts"));
        await vscode.workspace.fs.delete(workspaceUri(".kvasirignore"));
        await eventually("the file to be back", () => ctx.workspace.has("later/ignored.ts"));
    });

    it("files.exclude counts", async () => {
        const {ctx} = await activated();
        const files = vscode.workspace.getConfiguration("files");
        const before = files.inspect<Record<string, boolean>>("exclude")?.globalValue;
        await files.update("exclude", {...before, "**/later": true}, vscode.ConfigurationTarget.Global);
        await eventually("the folder to be left out", () => !ctx.workspace.has("later/ignored.ts"));
        await files.update("exclude", before, vscode.ConfigurationTarget.Global);
        await eventually("the folder to be back", () => ctx.workspace.has("later/ignored.ts"));
    });

    it("an unsaved buffer is the text", async () => {
        const {ctx} = await activated();
        const document = await vscode.workspace.openTextDocument(workspaceUri("src/harmless.ts"));
        const editor = await vscode.window.showTextDocument(document);
        await editor.edit((edit) => edit.insert(new vscode.Position(0, 0), "// not saved yet\nconst unsaved = 2;\n"));
        await ctx.workspace.flush("open");
        const text = document.getText();
        assert.match(text, /not saved yet/);
        const current = await ctx.engine.keptLines(ctx.workspace.id, "src/harmless.ts", text);
        assert.equal(current.path, "src/harmless.ts");
        await ctx.engine.read({workspace: ctx.workspace.id, paths: ["src/harmless.ts"]});
        const read = await ctx.engine.keptLines(ctx.workspace.id, "src/harmless.ts", text);
        assert.equal(read.isCurrent, true);
        assert.equal(read.share.length, text.split("\n").length);
        assert.deepEqual(ctx.workspace.choice().open?.[0], "src/harmless.ts");
        await vscode.commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
    });

    it("a file that is deleted is forgotten, with its folder too", async () => {
        const {ctx} = await activated();
        await vscode.workspace.fs.delete(workspaceUri("later"), {recursive: true});
        await eventually("the file to be gone", () => !ctx.workspace.has("later/ignored.ts"));
        await ctx.workspace.flush();
        assert.ok(!(await ctx.engine.files(ctx.workspace.id)).some(({path}) => path.startsWith("later/")));
    });

    it("a file of 50 MB is left out with the reason, and the others go on", async () => {
        const {ctx} = await activated();
        await write("x".repeat(50 * 1024 * 1024), "src/huge.ts");
        await write("export const beside = 1;\n", "src/beside.ts");
        await eventually("the file beside it", () => ctx.workspace.has("src/beside.ts"));
        await ctx.workspace.flush();
        assert.ok(!ctx.workspace.has("src/huge.ts"));
        assert.match(
            ctx.workspace.skipped().find(({path}) => path === "src/huge.ts")?.reason ?? "",
            /large|big|MiB|KiB/i,
        );
        assert.equal(
            (await ctx.engine.files(ctx.workspace.id)).find(({path}) => path === "src/huge.ts"),
            undefined,
        );
        await vscode.workspace.fs.delete(workspaceUri("src", "huge.ts"), {useTrash: false});
        await vscode.workspace.fs.delete(workspaceUri("src", "beside.ts"), {useTrash: false});
    });

    it("notebooks are read as code, cell by cell", async () => {
        const {ctx} = await activated();
        const cells = [
            {cell_type: "markdown", source: ["# Title\n", "words"], metadata: {}},
            {cell_type: "code", source: "x = 1", outputs: [{data: "secret output"}], metadata: {}, execution_count: 1},
        ];
        await write(
            JSON.stringify({cells, metadata: {language_info: {name: "python"}}, nbformat: 4, nbformat_minor: 5}),
            "analysis.ipynb",
        );
        await eventually("the notebook", () => ctx.workspace.has("analysis.ipynb"));
        await ctx.workspace.flush();
        const expected = "# %% [markdown]\n# # Title\n# words\n\n# %%\nx = 1\n";
        await ctx.engine.read({workspace: ctx.workspace.id, paths: ["analysis.ipynb"]});
        const lines = await ctx.engine.keptLines(ctx.workspace.id, "analysis.ipynb", expected);
        assert.equal(lines.isCurrent, true);
    });

    it("are read in the background when that is switched on, the open one first", async () => {
        const {ctx} = await activated();
        await vscode.window.showTextDocument(workspaceUri("src/api/extras.ts"));
        const tiers = async () =>
            new Map((await ctx.engine.files(ctx.workspace.id)).map(({path, tier}) => [path, tier] as const));
        await ctx.settings.set("reading.automatic", true);
        await eventually("the open file to be read", async () => (await tiers()).get("src/api/extras.ts") !== "known");
        await vscode.commands.executeCommand("kvasir.cancelReading");
        await ctx.settings.set("reading.automatic", false);
        const now = await tiers();
        assert.ok(
            [...now.values()].some((tier) => tier === "known"),
            "it has just begun",
        );
    });

    it("pins are kept, sent and taken back", async () => {
        const {ctx} = await activated();
        await ctx.workspace.setPinned("src/mobx.ts", true);
        const pinnedInEngine = async () =>
            (await ctx.engine.files(ctx.workspace.id)).filter(({pinned}) => pinned).map(({path}) => path);
        assert.deepEqual(await pinnedInEngine(), ["src/mobx.ts"]);
        await ctx.workspace.setExcluded("src/mobx.ts", true);
        assert.deepEqual(await pinnedInEngine(), []);
        assert.deepEqual(ctx.workspace.choice().exclude, ["src/mobx.ts"]);
        await ctx.workspace.setExcluded("src/mobx.ts", false);
        await ctx.workspace.setBudget("src/mobx.ts", 0.5);
        const budgetOf = async () =>
            (await ctx.engine.files(ctx.workspace.id)).find(({path}) => path === "src/mobx.ts")?.budget;
        assert.equal(await budgetOf(), 0.5);
        await ctx.workspace.setBudget("src/mobx.ts", undefined);
        assert.equal(await budgetOf(), undefined);
    });
});
