/**
 * What runs inside the extension host for scripts/bench-vscode.mjs: first ghost text against the engine's own time, what
 * of the host's thread an answer takes, and the scan of the folder that is open. Figures go to the file that KVASIR_BENCH_RESULTS names.
 */
import {writeFileSync} from "node:fs";
import {type Profiler, Session} from "node:inspector/promises";
import {monitorEventLoopDelay} from "node:perf_hooks";
import * as vscode from "vscode";
import type {TestApi} from "../../extension/host/extension.js";
import type {CompletionReport} from "../../extension/protocol/engine.js";

export interface HostFigures {
    activationMs: number;
    files: number;
    scanMs: number[];
    /** The longest that the host's thread answered nobody during a scan. */
    stallMs: number[];
    /** One for each completion: until the command had its ghost text, and what the engine took of it. */
    completions: {wholeMs: number; engineMs: number}[];
    /** While an answer with a file to read was written: its time, and what Kvasir's own code took of the host's thread. */
    answer?: {ms: number; tokens: number; ownMs: number};
}

const nCompletions = 15;
const nScans = 3;
const stallResolutionMs = 1;

export async function run(): Promise<void> {
    const file = process.env["KVASIR_BENCH_RESULTS"];
    const extension = vscode.extensions.getExtension<TestApi>("kvasir.kvasir");
    if (file === undefined || extension === undefined) throw new Error("the bench is started by its script");
    const {ctx, activationMs} = await extension.activate();
    while (ctx.workspace.state().name === "scanning" || ctx.workspace.state().name === "none") await later(20);
    const scanMs: number[] = [];
    const stallMs: number[] = [];
    for (let n = 0; n < nScans; n++) {
        const delay = monitorEventLoopDelay({resolution: stallResolutionMs});
        delay.enable();
        const startedMs = performance.now();
        await ctx.workspace.rescan();
        scanMs.push(performance.now() - startedMs);
        delay.disable();
        // The timer that measures takes its own interval too.
        stallMs.push(Math.max(0, delay.max / 1e6 - stallResolutionMs));
    }
    const figures: HostFigures = {activationMs, files: ctx.workspace.state().known, scanMs, stallMs, completions: []};
    if (process.env["KVASIR_BENCH_COMPLETIONS"] === "1") {
        figures.completions = await completionTimes(ctx);
        figures.answer = await answerOnThread(ctx);
    }
    writeFileSync(file, JSON.stringify(figures));
}

async function completionTimes({engine}: TestApi["ctx"]): Promise<HostFigures["completions"]> {
    await engine.load();
    let report: CompletionReport | undefined;
    const complete = engine.complete.bind(engine);
    engine.complete = async (request, signal) => (report = await complete(request, signal));
    const document = await vscode.workspace.openTextDocument({language: "typescript", content: ""});
    const editor = await vscode.window.showTextDocument(document);
    const times: HostFigures["completions"] = [];
    for (let n = 0; times.length < nCompletions && n < 4 * nCompletions; n++) {
        // Each time another place, so that nothing is kept from the last one.
        const text = `export function add${n}(first: number, second: number): number {\n    return `;
        await editor.edit((edit) => edit.insert(document.lineAt(document.lineCount - 1).range.end, text));
        const end = document.lineAt(document.lineCount - 1).range.end;
        editor.selection = new vscode.Selection(end, end);
        await later(300);
        report = undefined;
        const startedMs = performance.now();
        await vscode.commands.executeCommand("editor.action.inlineSuggest.trigger");
        const wholeMs = performance.now() - startedMs;
        const answered = report as CompletionReport | undefined;
        await vscode.commands.executeCommand("editor.action.inlineSuggest.hide");
        await editor.edit((edit) => edit.insert(end, "0;\n}\n\n"));
        // Dropped by the editor, or nothing to say: no ghost text was shown.
        if (answered === undefined || answered.text === "") continue;
        times.push({wholeMs, engineMs: answered.ms});
    }
    return times;
}

/** By the profiler of the host itself. The question goes the chat's whole road: files are sent and one is read for it. */
async function answerOnThread({engine}: TestApi["ctx"]): Promise<HostFigures["answer"]> {
    const document = await vscode.workspace.openTextDocument(
        vscode.Uri.joinPath(vscode.workspace.workspaceFolders?.[0]?.uri ?? vscode.Uri.file("/"), "src/api/when.ts"),
    );
    await vscode.window.showTextDocument(document);
    let tokens = 0;
    const ask = engine.ask.bind(engine);
    engine.ask = async (...args) => {
        const report = await ask(...args);
        tokens = report.tokens;
        return report;
    };
    const session = new Session();
    session.connect();
    await session.post("Profiler.enable");
    await session.post("Profiler.start");
    const startedMs = performance.now();
    await vscode.commands.executeCommand("kvasir.explain");
    const ms = performance.now() - startedMs;
    const {profile} = await session.post("Profiler.stop");
    session.disconnect();
    return {ms, tokens, ownMs: ownMsOf(profile)};
}

/** Time in which code of the extension was on the stack, whatever it had called. */
function ownMsOf({nodes, samples = [], timeDeltas = []}: Profiler.Profile): number {
    const own = new Set<number>();
    const mark = (id: number, isInside: boolean): void => {
        const node = byId.get(id);
        if (node === undefined) return;
        const isOwn = isInside || /[/\\]dist[/\\]extension/.test(node.callFrame.url);
        if (isOwn) own.add(id);
        for (const child of node.children ?? []) mark(child, isOwn);
    };
    const byId = new Map(nodes.map((node) => [node.id, node]));
    if (nodes[0] !== undefined) mark(nodes[0].id, false);
    return samples.reduce((sum, id, at) => sum + (own.has(id) ? (timeDeltas[at] ?? 0) / 1000 : 0), 0);
}

function later(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms));
}
