import assert from "node:assert/strict";
import * as vscode from "vscode";
import type {Ctx} from "../../extension/host/ctx.js";
import {activated, eventually, workspaceUri} from "./extension-under-test.js";

const file = "src/api/isobservable.ts";

describe("commands for files of the cache", () => {
    let ctx: Ctx;
    const statusOf = async (path: string) =>
        (await ctx.engine.files(ctx.workspace.id)).find((each) => each.path === path);
    const run = (command: string, ...args: unknown[]) =>
        vscode.commands.executeCommand(`kvasir.cache.${command}`, ...args);

    before(async () => {
        ({ctx} = await activated());
        await eventually("the first scan", () => ctx.workspace.has(file));
        await ctx.engine.load();
        await ctx.workspace.flush();
    });

    it("pin and unpin the file they are called on", async () => {
        await run("pin", workspaceUri(file));
        assert.equal((await statusOf(file))?.pinned, true);
        await run("unpin", workspaceUri(file));
        assert.equal((await statusOf(file))?.pinned, false);
    });

    it("take the file in the editor when they are called without one", async () => {
        await vscode.window.showTextDocument(workspaceUri(file));
        await run("pin");
        assert.deepEqual(ctx.workspace.pinned(), [file]);
        await run("unpin");
        assert.deepEqual(ctx.workspace.pinned(), []);
        await vscode.commands.executeCommand("workbench.action.closeActiveEditor");
    });

    it("read a file again and drop what was kept of it", async () => {
        await run("readAgain", workspaceUri(file));
        const read = await statusOf(file);
        assert.ok(read !== undefined && read.keptRows > 0 && read.bytes > 0 && read.bytes < read.fullBytes);
        assert.notEqual(read.tier, "known");
        await run("drop", workspaceUri(file));
        const dropped = await statusOf(file);
        assert.equal(dropped?.tier, "known");
        assert.equal(dropped?.keptRows, 0);
    });
});

describe("the heat map", () => {
    it("tells for each line how much was kept of it, and says nothing once it is off", async () => {
        const {ctx} = await activated();
        await ctx.engine.load();
        const uri = workspaceUri(file);
        const document = await vscode.workspace.openTextDocument(uri);
        await vscode.window.showTextDocument(document);
        await ctx.workspace.flush();
        await ctx.engine.read({workspace: ctx.workspace.id, paths: [file]});
        const {share} = await ctx.engine.keptLines(ctx.workspace.id, file, document.getText());
        const line = share.indexOf(Math.max(...share));
        const hovers = async () => {
            const found = await vscode.commands.executeCommand<vscode.Hover[]>(
                "vscode.executeHoverProvider",
                uri,
                new vscode.Position(line, 0),
            );
            return found.flatMap(({contents}) =>
                contents.map((each) => (typeof each === "string" ? each : each.value)),
            );
        };
        const isOurs = (text: string) => text.includes("rows were kept");
        assert.equal((await hovers()).some(isOurs), false);
        await vscode.commands.executeCommand("kvasir.heatMap.toggle");
        const told = (await hovers()).find(isOurs);
        assert.match(told ?? "", new RegExp(`${Math.round((share[line] ?? 0) * 100)} %`));
        await vscode.commands.executeCommand("kvasir.heatMap.toggle");
        assert.equal((await hovers()).some(isOurs), false);
        await vscode.commands.executeCommand("workbench.action.closeActiveEditor");
    });
});
