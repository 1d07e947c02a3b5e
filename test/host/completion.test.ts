import assert from "node:assert/strict";
import * as vscode from "vscode";
import {tallyFrom, totalOf} from "../../extension/core/completion/tally.js";
import type {Ctx} from "../../extension/host/ctx.js";
import type {CompleteRequest, CompletionReport} from "../../extension/protocol/engine.js";
import type {KvasirError} from "../../extension/protocol/errors.js";
import {activated, eventually, workspaceUri} from "./extension-under-test.js";

interface Seen {
    request: CompleteRequest;
    report?: CompletionReport;
    code?: string;
}

/** What goes to the engine and comes back, unchanged. */
function watchCompletions(ctx: Ctx): {seen: Seen[]; stop(): void} {
    const seen: Seen[] = [];
    const {engine} = ctx;
    const complete = engine.complete.bind(engine);
    engine.complete = async (request, signal) => {
        const one: Seen = {request};
        seen.push(one);
        try {
            return (one.report = await complete(request, signal));
        } catch (error) {
            one.code = (error as KvasirError).code;
            throw error;
        }
    };
    return {seen, stop: () => void (engine.complete = complete)};
}

async function open(name: string, text: string, language?: string): Promise<vscode.TextEditor> {
    const uri = workspaceUri(name);
    await vscode.workspace.fs.writeFile(uri, new TextEncoder().encode(text));
    const document = await vscode.workspace.openTextDocument(uri);
    if (language !== undefined) await vscode.languages.setTextDocumentLanguage(document, language);
    const editor = await vscode.window.showTextDocument(document);
    moveToEnd(editor);
    return editor;
}

function moveToEnd(editor: vscode.TextEditor): void {
    const {document} = editor;
    const end = document.lineAt(document.lineCount - 1).range.end;
    editor.selection = new vscode.Selection(end, end);
}

const run = (command: string) => vscode.commands.executeCommand(`editor.action.inlineSuggest.${command}`);

/**
 * Asks for a completion at the cursor, as by the key, until the engine has answered: the editor may drop a request for a
 * newer one, and what was fetched ahead for the document before may be answered late.
 */
async function triggered(seen: Seen[], from = seen.length): Promise<Seen & {report: CompletionReport}> {
    const document = vscode.window.activeTextEditor?.document;
    assert.ok(document, "an editor is open");
    const path = vscode.workspace.asRelativePath(document.uri);
    const answered = () => seen.slice(from).find(({request, report}) => request.path === path && report !== undefined);
    await eventually(`the engine's answer for ${path}`, async () => {
        if (seen.every(({report, code}) => report !== undefined || code !== undefined)) await run("trigger");
        return answered() !== undefined;
    });
    const one = answered();
    assert.ok(one?.report);
    return {...one, report: one.report};
}

/**
 * Takes what is shown until the document says this. What is shown goes when the editor loses the focus for a moment, or drops
 * a request for a newer one: then it is asked for again, which costs the engine nothing.
 */
async function taken(
    editor: vscode.TextEditor,
    command: "commit" | "acceptNextWord",
    isDone: (text: string) => boolean,
) {
    await eventually(`${command} to do its work`, async () => {
        if (isDone(editor.document.getText())) return true;
        await run(command);
        if (isDone(editor.document.getText())) return true;
        await run("trigger");
        return false;
    });
}

const start = "export function add(a: number, b: number): number {\n    return ";

describe("inline completions", () => {
    let ctx: Ctx;
    let watch: ReturnType<typeof watchCompletions>;

    before(async () => {
        ({ctx} = await activated());
        await ctx.engine.load();
        watch = watchCompletions(ctx);
    });
    after(() => watch.stop());
    afterEach(async () => {
        await vscode.commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
    });

    it("are accepted whole, and what is inserted is what the engine said", async () => {
        const editor = await open("src/whole.ts", start);
        const {report, request} = await triggered(watch.seen);
        assert.ok(report.text.trim() !== "");
        assert.equal(request.text, start);
        assert.equal(request.offset, start.length);
        assert.equal(request.path, "src/whole.ts");
        await taken(editor, "commit", (text) => text !== start);
        assert.equal(editor.document.getText(), start + report.text);
    });

    it("are accepted word by word", async () => {
        const editor = await open("src/words.ts", start);
        const {report} = await triggered(watch.seen);
        assert.ok(report.text.trim().split(/\b/).length > 2, `several words: ${report.text}`);
        await taken(editor, "acceptNextWord", (text) => text !== start);
        const partly = editor.document.getText();
        assert.ok((start + report.text).startsWith(partly));
        assert.ok(partly.length < start.length + report.text.length);
        await taken(editor, "commit", (text) => text === start + report.text);
    });

    it("stay while they are typed along, without another request", async () => {
        const editor = await open("src/along.ts", start);
        const {report} = await triggered(watch.seen);
        const nAsked = watch.seen.length;
        const [first = ""] = report.text;
        assert.notEqual(first, "");
        await vscode.commands.executeCommand("type", {text: first});
        await eventually("the letter", () => editor.document.getText() === start + first);
        await taken(editor, "commit", (text) => text === start + report.text);
        // Whoever asks by the key where one came by itself gets others to choose from.
        const sameFile = watch.seen
            .slice(nAsked)
            .filter(({request}) => request.n === undefined && request.text.length <= (start + first).length);
        assert.deepEqual(sameFile, []);
    });

    it("are cancelled for real when another key is typed", async () => {
        // New text that takes a while to read: the key comes long before the answer could.
        const long = await vscode.workspace.fs.readFile(workspaceUri("src/core/derivation.ts"));
        await open("src/cancel.ts", `${new TextDecoder().decode(long)}\nconst primes = [\n`);
        const from = watch.seen.length;
        void run("trigger");
        await eventually("a request", () => watch.seen.length > from);
        await vscode.commands.executeCommand("type", {text: "\n"});
        await vscode.commands.executeCommand("type", {text: "2"});
        // The editor may have asked by itself, when the text was shown, and have been answered by now.
        await eventually("a request that was cancelled", () =>
            watch.seen.slice(from).some(({code}) => code === "cancelled"),
        );
    });

    it("come in documents that are not saved anywhere", async () => {
        const document = await vscode.workspace.openTextDocument({
            language: "python",
            content: "def add(a, b):\n    return ",
        });
        moveToEnd(await vscode.window.showTextDocument(document));
        const {request} = await triggered(watch.seen);
        assert.equal(request.text, "def add(a, b):\n    return ");
        assert.match(request.path, /^Untitled/);
    });

    it("see the cells above in a notebook", async () => {
        const cell = (text: string) => new vscode.NotebookCellData(vscode.NotebookCellKind.Code, text, "python");
        const notebook = await vscode.workspace.openNotebookDocument(
            "jupyter-notebook",
            new vscode.NotebookData([cell("def twice(n):\n    return n * 2"), cell("print(twice(")]),
        );
        const editor = await vscode.window.showNotebookDocument(notebook);
        editor.selection = new vscode.NotebookRange(1, 2);
        await vscode.commands.executeCommand("notebook.cell.edit");
        await eventually(
            "the cell's editor",
            () => vscode.window.activeTextEditor?.document.uri.scheme === "vscode-notebook-cell",
        );
        const active = vscode.window.activeTextEditor;
        assert.ok(active);
        moveToEnd(active);
        const {request} = await triggered(watch.seen);
        const expected = "# %%\ndef twice(n):\n    return n * 2\n\n# %%\nprint(twice(";
        assert.equal(request.text.slice(0, request.offset), expected);
    });

    it("are not asked for in a huge document, nor in a file that may hold secrets", async () => {
        const from = watch.seen.length;
        await open("huge.ts", `${"x".repeat(99)}\n`.repeat(20_000));
        await run("trigger");
        await vscode.commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
        await open(".env", "TOKEN=");
        await run("trigger");
        await vscode.commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
        // The next request is proof that those before it are through.
        await open("src/small.ts", start);
        await triggered(watch.seen, from);
        const asked = watch.seen.slice(from).map(({request}) => request.path);
        assert.ok(!asked.includes("huge.ts") && !asked.includes(".env"), asked.join(" "));
    });

    it("are off for a language while it is typed, and there when asked for", async () => {
        const languages = ctx.settings.get("completion.languages");
        await ctx.settings.set("completion.languages", {...languages, typescript: false});
        try {
            await open("src/off.ts", start);
            const from = watch.seen.length;
            await vscode.commands.executeCommand("type", {text: "a"});
            await triggered(watch.seen, from);
            // The typed key alone asked for nothing: one request, the one that was asked for.
            assert.equal(watch.seen.slice(from).filter(({request}) => request.text === `${start}a`).length, 1);
        } finally {
            await ctx.settings.set("completion.languages", languages);
        }
    });

    it("what was accepted is counted on this machine", async () => {
        const counts = () => totalOf(tallyFrom(ctx.globalState.get("kvasir.completion.tally"), 0));
        await eventually("the counts to be kept", () => counts().accepted >= 3);
        const {shown, accepted, charsTaken} = counts();
        assert.ok(shown >= accepted);
        assert.ok(charsTaken > 0);
    });
});
