/** `kvasir complete FILE --line L --column C`: one inline completion. */
import {resolve} from "node:path";
import {skipSentence} from "../../core/files/skip-reason.js";
import {loadText} from "../../engine/workspace/load-text.js";
import type {CompletionReport, ContextChoice, ReadReport} from "../../protocol/engine.js";
import {fileMissing, usage} from "../../protocol/errors.js";
import {openQuestionScope} from "../chat/question-scope.js";
import type {CommandContext, CommandResult} from "../command-context.js";
import {type CommonFlags, settingsOf} from "../common-flags.js";
import {completionJson, completionText} from "../output/answer.js";
import {offsetAt} from "../text-position.js";
import {withLoadedEngine} from "../with-engine.js";
import {storedPath} from "./cache.js";

export interface CompleteFlags extends CommonFlags {
    line: number;
    column: number;
    context?: string[];
    candidates: number;
}

/** Longer ghost text is seldom read. */
const maxTokens = 64;
/** A line that no candidate has, for a person who reads them. */
const betweenCandidates = "\n\n---\n\n";

export async function runComplete(context: CommandContext, file: string, flags: CompleteFlags): Promise<CommandResult> {
    const path = storedPath(context.root, file);
    const text = await bufferText(resolve(context.root, file), path);
    // Before anything is loaded: a wrong place is said at once.
    const offset = offsetAt(text, flags.line, flags.column, path);
    const report = await withLoadedEngine(context, settingsOf(flags, context.root), async (engine, progress) => {
        const {signal} = context.interrupt;
        const {choice} = await openQuestionScope(engine, context.root, flags.context, signal);
        // An editor's completion waits for no read; here files were named so that they are seen.
        const read =
            choice.context === undefined
                ? undefined
                : await engine.read({workspace: context.root, paths: choice.context}, progress.showRead, signal);
        const complete: ContextChoice = {...choice, open: [path]};
        progress.show("completing");
        const completed = await engine.complete(
            {
                workspace: context.root,
                path,
                text,
                offset,
                choice: complete,
                maxTokens,
                multiLine: "auto",
                n: flags.candidates,
            },
            signal,
        );
        return read === undefined ? completed : withReadBefore(completed, read);
    });
    const {terminal} = context;
    if (!flags.json) {
        terminal.stdout.write(`${(report.candidates ?? [report.text]).join(betweenCandidates)}\n`);
        terminal.stderr.write(
            `\n${completionText(report, {colors: terminal.errColors, width: terminal.errColumns})}\n`,
        );
    }
    return {json: completionJson(report), text: ""};
}

/** @throws KvasirError `file-missing`, `usage` for a file that holds no text */
async function bufferText(absolutePath: string, path: string): Promise<string> {
    const loaded = await loadText(absolutePath, {path});
    if (loaded.reason === undefined) return loaded.text;
    // A new file is where completions are wanted most.
    if (loaded.reason === "empty") return "";
    if (loaded.reason === "missing") throw fileMissing(path);
    throw usage(`${path} cannot be completed.`, skipSentence(loaded.reason));
}

/** What was read just before the completion was read for it: counted, in tokens and in time. */
export function withReadBefore(completed: CompletionReport, {files, totals}: ReadReport): CompletionReport {
    const readNow = new Set(files.filter(({source}) => source === "read").map(({path}) => path));
    const readTokens = completed.attended
        .filter(({path}) => readNow.has(path))
        .reduce((sum, {tokens}) => sum + tokens, 0);
    return {
        ...completed,
        ttftMs: completed.ttftMs + totals.ms,
        ms: completed.ms + totals.ms,
        readTokens: completed.readTokens + readTokens,
        reusedTokens: completed.reusedTokens - readTokens,
    };
}
