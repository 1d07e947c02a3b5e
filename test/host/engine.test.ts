import assert from "node:assert/strict";
import {copyFile, link, mkdir, rm} from "node:fs/promises";
import path from "node:path";
import * as vscode from "vscode";
import type {KvasirError} from "../../extension/protocol/errors.js";
import {activated, eventually, question} from "./extension-under-test.js";

describe("the engine behind the extension", () => {
    it("answers a question over the real repository", async () => {
        const {ctx} = await activated();
        await ctx.workspace.flush();
        let streamed = "";
        const report = await ctx.engine.ask(
            {
                ...question(ctx.workspace.id, "What does isObservable do?"),
                choice: {context: ["src/api/isobservable.ts"]},
            },
            {text: (piece) => (streamed += piece)},
        );
        assert.equal(streamed.trim(), report.text.trim());
        assert.ok(report.tokens > 0 && report.tokens <= 16, `${report.tokens} tokens`);
        const seen = JSON.stringify({attended: report.attended, leftOut: report.leftOut});
        assert.ok(
            report.attended.some(({path}) => path === "src/api/isobservable.ts"),
            seen,
        );
        assert.equal(ctx.engine.status().model?.architecture, "llama");
        assert.ok(ctx.engine.status().kv.usedBytes > 0);
    });

    it("killed in the middle of an answer: the question fails with a way out, and all is there again", async () => {
        const {ctx} = await activated();
        await ctx.workspace.flush();
        const connection = ctx.engine.connection();
        assert.ok(connection.name === "connected");
        const before = (await ctx.engine.files(ctx.workspace.id)).length;
        const asked = ctx.engine
            .ask(question(ctx.workspace.id, "Tell me everything about reactions.", 400), {
                text: () => process.kill(connection.pid, "SIGKILL"),
            })
            .then(
                () => undefined,
                (error: KvasirError) => error,
            );
        const error = await asked;
        assert.equal(error?.code, "engine-stopped");
        assert.ok(error?.fix);
        await eventually("another engine", () => {
            const now = ctx.engine.connection();
            return now.name === "connected" && now.pid !== connection.pid;
        });
        await ctx.workspace.flush();
        assert.equal((await ctx.engine.files(ctx.workspace.id)).length, before);
        const report = await ctx.engine.ask(question(ctx.workspace.id, "What is a reaction?", 4), {});
        assert.ok(report.tokens > 0);
    });

    it("stops an answer when it is told to", async () => {
        const {ctx} = await activated();
        const controller = new AbortController();
        let nPieces = 0;
        const asked = ctx.engine.ask(
            question(ctx.workspace.id, "Count from one to one thousand in words.", 2000),
            {text: () => ++nPieces === 3 && controller.abort()},
            controller.signal,
        );
        const end = await asked.then(
            ({stop, tokens}) => ({code: stop, tokens}),
            ({code}: KvasirError) => ({code, tokens: 0}),
        );
        assert.equal(end.code, "cancelled", JSON.stringify(end));
        assert.ok(nPieces < 100, `${nPieces} pieces`);
    });

    it("a model that is not there is told with its path, and the right one works again", async () => {
        const {ctx} = await activated();
        const model = ctx.settings.get("model.path");
        await ctx.settings.set("model.path", "/no/such/model.gguf");
        await eventually("the error", async () => {
            const error = await ctx.engine.load().then(
                () => undefined,
                (failure: KvasirError) => failure,
            );
            return error?.code === "model-missing" && error.message.includes("/no/such/model.gguf");
        });
        await ctx.settings.set("model.path", model);
        await eventually("the model", () =>
            ctx.engine.load().then(
                () => true,
                () => false,
            ),
        );
    });

    it("Choose Model offers the models that are here; another one is loaded, and the conversation goes on", async () => {
        const {ctx} = await activated();
        const setting = ctx.settings.get("model.path");
        const first = (await ctx.engine.load()).path;
        // The same weights under another name are another model to whoever chooses. Kvasir's own folder comes first.
        const folder = process.env["KVASIR_MODELS_DIR"];
        assert.ok(folder !== undefined);
        const other = path.join(folder, "The other one.gguf");
        await mkdir(folder, {recursive: true});
        await link(first, other).catch(() => copyFile(first, other));
        const before = await ctx.engine.ask(question(ctx.workspace.id, "What is a reaction?", 4), {});
        try {
            const chosen = vscode.commands.executeCommand("kvasir.chooseModel");
            // Its list stands there when accepting does something.
            await eventually("the model to be taken", async () => {
                await vscode.commands.executeCommand("workbench.action.acceptSelectedQuickOpenItem");
                return ctx.settings.get("model.path") === other;
            });
            await chosen;
            assert.equal(ctx.engine.status().model?.path, other);
            await ctx.workspace.flush();
            const turns = [
                {role: "user" as const, text: "What is a reaction?"},
                {role: "assistant" as const, text: before.text},
                {role: "user" as const, text: "And an atom?"},
            ];
            const after = await ctx.engine.ask({...question(ctx.workspace.id, "And an atom?", 4), turns}, {});
            assert.ok(after.tokens > 0);
        } finally {
            await ctx.settings.set("model.path", setting);
            await ctx.engine.load();
            await rm(folder, {recursive: true, force: true});
        }
    });

    it("Restart Engine, Pause, Resume and Unload are commands that do what they say", async () => {
        const {ctx} = await activated();
        await ctx.engine.connect();
        const before = ctx.engine.connection();
        assert.ok(before.name === "connected");
        await vscode.commands.executeCommand("kvasir.restartEngine");
        const after = ctx.engine.connection();
        assert.ok(after.name === "connected" && after.pid !== before.pid);
        await ctx.engine.load();
        await vscode.commands.executeCommand("kvasir.pause");
        await vscode.commands.executeCommand("kvasir.unload");
        await eventually("the model to be gone", () => ctx.engine.status().model === undefined);
        await vscode.commands.executeCommand("kvasir.resume");
    });

    it("the setting, the battery and the pause reach the engine", async () => {
        const {ctx} = await activated();
        await ctx.engine.load();
        await ctx.workspace.flush();
        const told: (boolean | undefined)[] = [];
        const update = ctx.engine.updateWorkspace.bind(ctx.engine);
        ctx.engine.updateWorkspace = (change) => {
            if (change.refine !== undefined) told.push(change.refine);
            return update(change);
        };
        const toldNext = async (refine: boolean, change: () => Thenable<unknown>) => {
            const nBefore = told.length;
            await change();
            await eventually(`refine: ${refine}`, () => told.length > nBefore);
            assert.equal(told.at(-1), refine);
        };
        const run = (command: string) => () => vscode.commands.executeCommand(command);
        try {
            await toldNext(false, run("kvasir.saveBattery"));
            await toldNext(true, run("kvasir.saveBattery"));
            await toldNext(false, () => ctx.settings.set("reading.refine", false));
            await toldNext(true, () => ctx.settings.set("reading.refine", true));
            await toldNext(false, run("kvasir.pause"));
            await eventually("the engine to rest", () => ctx.engine.status().state === "paused");
            await toldNext(true, run("kvasir.resume"));
            await eventually("the engine to go on", () => ctx.engine.status().state !== "paused");
        } finally {
            ctx.engine.updateWorkspace = update;
        }
    });

    it("the Doctor opens a report with links to what can be done", async () => {
        await activated();
        await vscode.commands.executeCommand("kvasir.doctor");
        const document = vscode.window.activeTextEditor?.document;
        assert.equal(document?.uri.scheme, "kvasir-doctor");
        const text = document.getText();
        assert.match(text, /# Kvasir Doctor/);
        assert.match(text, /SmolLM2-135M/);
        const links = await vscode.commands.executeCommand<vscode.DocumentLink[]>(
            "vscode.executeLinkProvider",
            document.uri,
            50,
        );
        const targets = links.map(({target}) => target?.toString() ?? "");
        assert.ok(targets.includes("command:kvasir.restartEngine"), targets.join(" "));
        await vscode.commands.executeCommand("workbench.action.closeActiveEditor");
    });
});
