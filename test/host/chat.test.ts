import assert from "node:assert/strict";
import {execFileSync} from "node:child_process";
import * as vscode from "vscode";
import {prepareQuestion} from "../../extension/host/chat/question-sources.js";
import {searchPlaces} from "../../extension/host/chat/mention-search.js";
import {readInstructions} from "../../extension/host/chat/instruction-files.js";
import {repositoryOf} from "../../extension/host/chat/git.js";
import {Reviews} from "../../extension/host/chat/reviews.js";
import {themeColours} from "../../extension/host/chat/theme-colours.js";
import type {Ctx} from "../../extension/host/ctx.js";
import {isKvasirError} from "../../extension/protocol/errors.js";
import {activated, eventually, workspaceUri} from "./extension-under-test.js";

const file = "src/api/autorun.ts";
const noTerminal = {last: () => undefined, dispose: () => undefined};
const write = (path: string, text: string) =>
    vscode.workspace.fs.writeFile(workspaceUri(...path.split("/")), new TextEncoder().encode(text));

async function opened(path: string, selection?: vscode.Range): Promise<vscode.TextEditor> {
    const editor = await vscode.window.showTextDocument(workspaceUri(...path.split("/")));
    if (selection !== undefined) editor.selection = new vscode.Selection(selection.start, selection.end);
    return editor;
}

async function failure(work: Promise<unknown>): Promise<string> {
    return work.then(
        () => "nothing failed",
        (error: unknown) => (isKvasirError(error) ? error.code : String(error)),
    );
}

describe("what a question names", () => {
    let ctx: Ctx;
    const prepare = (text: string) => prepareQuestion(text, {workspace: ctx.workspace, terminals: noTerminal});
    before(async () => {
        ({ctx} = await activated());
        await eventually("the first scan", () => ctx.workspace.has(file));
    });
    after(() => vscode.commands.executeCommand("workbench.action.closeAllEditors"));

    it("a file is named, a folder all its files, lines of a file their text", async () => {
        const {prompt, named, attached} = await prepare(`why @${file}:1-2 and @src/api/?`);
        assert.ok(named.length > 2 && named.includes(file) && named.every((path) => path.startsWith("src/api/")));
        const text = (await vscode.workspace.openTextDocument(workspaceUri(...file.split("/")))).getText();
        assert.ok(prompt.includes(text.split("\n").slice(0, 2).join("\n")), prompt);
        assert.ok(prompt.endsWith(`why ${file}:1-2 and src/api/?`), prompt);
        assert.deepEqual(attached, [{label: `${file}:1-2`, path: file, line: 1}]);
    });

    it("what does not exist is text", async () => {
        const question = "what is @nothing.ts and @Injectable?";
        assert.deepEqual(await prepare(question), {prompt: question, attached: [], named: []});
    });

    it("a command is about the selection in whole lines, else about the active file", async () => {
        await opened(file, new vscode.Range(3, 2, 5, 0));
        const {prompt, named} = await prepare("/explain in one sentence");
        assert.ok(prompt.startsWith(`From ${file}, lines 4 to 5:\n`), prompt);
        assert.ok(prompt.endsWith("in one sentence"));
        assert.deepEqual(named, [file]);
        await opened(file, new vscode.Range(0, 0, 0, 0));
        const whole = await prepare("/review");
        assert.deepEqual([whole.named, whole.attached], [[file], []]);
        await vscode.commands.executeCommand("workbench.action.closeAllEditors");
        assert.equal(await failure(prepare("/explain")), "usage");
        assert.equal(await failure(prepare("/explode")), "usage");
        assert.equal(await failure(prepare("see @selection")), "usage");
        assert.equal(await failure(prepare("see @terminal")), "usage");
    });

    it("unsaved text counts", async () => {
        const editor = await opened(file);
        await editor.edit((edit) => edit.insert(new vscode.Position(0, 0), "// not saved yet\n"));
        const {prompt} = await prepare(`@${file}:1`);
        assert.ok(prompt.includes("// not saved yet"), prompt);
        await vscode.commands.executeCommand("workbench.action.files.revert");
    });

    it("problems are those of the editor, with their lines", async () => {
        const collection = vscode.languages.createDiagnosticCollection("test");
        const at = new vscode.Range(4, 0, 4, 5);
        collection.set(workspaceUri(...file.split("/")), [
            new vscode.Diagnostic(at, "cannot find name", vscode.DiagnosticSeverity.Error),
        ]);
        try {
            const {prompt} = await prepare("what are @problems?");
            assert.ok(prompt.includes(`- ${file}:5 error: cannot find name`), prompt);
            await opened(file, new vscode.Range(0, 0, 0, 0));
            assert.ok((await prepare("/fix")).prompt.includes("cannot find name"));
            const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>(
                "vscode.executeCodeActionProvider",
                workspaceUri(...file.split("/")),
                at,
            );
            const titles = actions.map(({title}) => title);
            assert.ok(titles.includes("Fix with Kvasir: cannot find name"), titles.join("\n"));
            assert.ok(titles.includes("Explain with Kvasir"), titles.join("\n"));
        } finally {
            collection.dispose();
        }
    });

    it("@ finds files, folders and what is there now by a few letters", async () => {
        await opened(file, new vscode.Range(3, 0, 5, 0));
        const labels = (letters: string) => searchPlaces(letters, ctx.workspace).map(({insert}) => insert);
        assert.ok(labels("autor").includes(`@${file}`));
        assert.ok(labels("api").includes("@src/api/"));
        assert.deepEqual(labels("").slice(0, 2), ["@selection", "@problems"]);
        assert.deepEqual(labels("no such thing at all"), []);
    });

    it("the repository's instructions are found, those of inner folders when they are near", async () => {
        await write("AGENTS.md", "Use tabs.\n");
        await write("src/api/AGENTS.md", "Answer in verse.\n");
        try {
            await eventually("the inner file", () => ctx.workspace.has("src/api/AGENTS.md"));
            const near = await readInstructions(ctx.settings, ctx.workspace, [file]);
            assert.deepEqual(near.used, ["AGENTS.md", "src/api/AGENTS.md"]);
            assert.ok(near.text?.includes("Use tabs.") && near.text.includes("Answer in verse."));
            assert.deepEqual((await readInstructions(ctx.settings, ctx.workspace, ["README.md"])).used, ["AGENTS.md"]);
            await ctx.settings.set("context.instructionFiles", false);
            assert.equal((await readInstructions(ctx.settings, ctx.workspace, [file])).text, undefined);
        } finally {
            await ctx.settings.set("context.instructionFiles", true);
            await vscode.workspace.fs.delete(workspaceUri("AGENTS.md"));
            await vscode.workspace.fs.delete(workspaceUri("src", "api", "AGENTS.md"));
        }
    });

    it("the theme says which colours code has", async () => {
        const colours = await themeColours();
        assert.match(colours.keyword?.colour ?? "", /^#[0-9a-f]{3,8}$/i);
        assert.notEqual(colours.keyword?.colour, colours.string?.colour);
    });
});

describe("a review", () => {
    const before = "one\ntwo\nthree\nfour\nfive\nsix\nseven\n";
    const after = "ONE\ntwo\nthree\nfour\nfive\nsix\nSEVEN\n";
    let reviews: Reviews;
    const text = async (path: string) => (await vscode.workspace.openTextDocument(workspaceUri(path))).getText();
    const hunks = (id: string) => reviews.get(id)?.files[0]?.hunks.map(({added}) => added.join("")) ?? [];
    beforeEach(async () => {
        const {ctx} = await activated();
        reviews = new Reviews(ctx.workspace);
        await write("review.txt", before);
        await eventually("the file", () => ctx.workspace.has("review.txt"));
    });
    afterEach(async () => {
        for (const {id} of reviews.all()) await reviews.close(id);
        reviews.dispose();
        await vscode.commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
        await vscode.commands.executeCommand("workbench.action.closeAllEditors");
        await vscode.workspace.fs.delete(workspaceUri("review.txt"));
    });

    it("shows a diff, writes what is accepted, and an undo takes it back", async () => {
        const {id} = await reviews.propose("test", undefined, [{path: "review.txt", proposed: after, nMissing: 0}]);
        const diff = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
        assert.ok(diff instanceof vscode.TabInputTextDiff);
        assert.equal((await vscode.workspace.openTextDocument(diff.modified)).getText(), after);
        assert.equal(await text("review.txt"), before, "nothing is written before it is accepted");

        await reviews.decide(id, true, "review.txt", reviews.get(id)?.files[0]?.hunks[1]?.id);
        assert.equal(await text("review.txt"), before.replace("seven", "SEVEN"));
        assert.deepEqual(hunks(id), ["ONE\n"]);

        await vscode.window.showTextDocument(workspaceUri("review.txt"));
        await vscode.commands.executeCommand("undo");
        assert.equal(await text("review.txt"), before);
        assert.deepEqual(hunks(id), ["ONE\n", "SEVEN\n"], "what was undone is proposed again");

        await reviews.decide(id, false, "review.txt", reviews.get(id)?.files[0]?.hunks[0]?.id);
        await reviews.decide(id, true);
        assert.equal(await text("review.txt"), before.replace("seven", "SEVEN"));
        await eventually("the diff to be closed", () =>
            vscode.window.tabGroups.all.every(({tabs}) =>
                tabs.every(({input}) => !(input instanceof vscode.TabInputTextDiff)),
            ),
        );
    });

    it("goes on while somebody types in the file", async () => {
        const {id} = await reviews.propose("test", undefined, [{path: "review.txt", proposed: after, nMissing: 0}]);
        const edit = new vscode.WorkspaceEdit();
        edit.insert(workspaceUri("review.txt"), new vscode.Position(3, 0), "typed\n");
        await vscode.workspace.applyEdit(edit);
        assert.deepEqual(hunks(id), ["ONE\n", "SEVEN\n"]);
        await reviews.decide(id, true);
        assert.equal(await text("review.txt"), after.replace("four", "typed\nfour"));
    });

    it("holds several files, new ones too, and writes all in one go", async () => {
        const {id} = await reviews.propose("test", undefined, [
            {path: "review.txt", proposed: after, nMissing: 0},
            {path: "made/by-review.txt", proposed: "new\n", nMissing: 0},
        ]);
        await reviews.decide(id, true);
        assert.equal(await text("review.txt"), after);
        const made = workspaceUri("made", "by-review.txt");
        assert.equal((await vscode.workspace.openTextDocument(made)).getText(), "new\n");
        await vscode.window.showTextDocument(made);
        await vscode.commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
        await vscode.workspace.fs.delete(workspaceUri("made"), {recursive: true});
    });

    it("keeps Windows line endings", async () => {
        const uri = workspaceUri("windows.txt");
        await vscode.workspace.fs.writeFile(uri, new TextEncoder().encode("a\r\nb\r\nc"));
        const {ctx} = await activated();
        await eventually("the file", () => ctx.workspace.has("windows.txt"));
        const {id} = await reviews.propose("test", undefined, [
            {path: "windows.txt", proposed: "a\r\nB\r\nc\r\nd", nMissing: 0},
        ]);
        await reviews.decide(id, true);
        assert.equal(await text("windows.txt"), "a\r\nB\r\nc\r\nd");
        await vscode.window.showTextDocument(uri);
        await vscode.commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
        await vscode.workspace.fs.delete(uri);
    });

    it("touches nothing outside of the workspace", async () => {
        for (const path of ["../outside.txt", "/etc/hostname", "a/../../outside.txt"]) {
            const review = await reviews
                .propose("test", undefined, [{path, proposed: "hacked\n", nMissing: 0}], {isShown: false})
                .catch(() => undefined);
            if (review !== undefined) await reviews.decide(review.id, true).catch(() => undefined);
        }
        const outside = await vscode.workspace.fs.readDirectory(workspaceUri(".."));
        assert.ok(!outside.some(([name]) => name === "outside.txt"));
    });
});

describe("the chat's commands", () => {
    before(async () => {
        const {ctx} = await activated();
        await ctx.settings.set("chat.maxTokens", 12);
    });
    after(async () => {
        const {ctx} = await activated();
        await ctx.settings.set("chat.maxTokens", 1024);
        await vscode.commands.executeCommand("workbench.action.closeAllEditors");
    });

    it("Explain asks about the file, and the conversation with its figures can be exported", async () => {
        const {ctx} = await activated();
        try {
            await eventually("the file", () => ctx.workspace.has("src/api/when.ts"));
            await opened("src/api/when.ts", new vscode.Range(0, 0, 0, 0));
            await vscode.commands.executeCommand("kvasir.explain");
            await vscode.commands.executeCommand("kvasir.chat.export");
            const text = vscode.window.activeTextEditor?.document.getText() ?? "";
            assert.match(text, /^# \/explain src\/api\/when\.ts\n/);
            assert.match(text, /## Answer\n\n\S/);
            assert.match(
                text,
                /\*\d+ tokens, [\d.]+ per second, first after [\d.]+ s; file tokens reused \d+, read \d+\*/,
            );
            assert.match(text, /`src\/api\/when\.ts` \(named\)/);
        } finally {
            await vscode.commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
        }
    });

    it("Write Commit Message fills the box of the source control view", async () => {
        const folder = workspaceUri().fsPath;
        const git = (...args: string[]) =>
            execFileSync("git", ["-c", "user.name=test", "-c", "user.email=test@example.com", ...args], {cwd: folder});
        git("init", "-q");
        git("add", "package.json");
        git("commit", "-q", "-m", "feat: begin");
        try {
            const extension = vscode.extensions.getExtension<{
                getAPI(version: 1): {openRepository(root: vscode.Uri): Promise<unknown>};
            }>("vscode.git");
            await (await extension?.activate())?.getAPI(1).openRepository(workspaceUri());
            const repository = await repositoryOf(workspaceUri());
            assert.ok(repository, "git is there");
            await write("src/new-feature.ts", "export const answer = 42;\n");
            git("add", "src/new-feature.ts");
            await vscode.commands.executeCommand("kvasir.commitMessage", {rootUri: repository.rootUri});
            assert.notEqual(repository.inputBox.value.trim(), "");
            assert.ok(!repository.inputBox.value.includes("```"));
            repository.inputBox.value = "";
        } finally {
            await vscode.workspace.fs.delete(workspaceUri("src", "new-feature.ts"), {useTrash: false});
            await vscode.workspace.fs.delete(workspaceUri(".git"), {recursive: true, useTrash: false});
        }
    });
});
