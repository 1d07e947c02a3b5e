/** `kvasir read PATH...`: files and folders into segments, refined at once when that is wanted. */
import {policyNeeds} from "../../core/policy/policy.js";
import {policyByName} from "../../core/policy/presets.js";
import {checkRefinable} from "../../engine/refining.js";
import type {EngineApi, ReadReport} from "../../protocol/engine.js";
import {isKvasirError} from "../../protocol/errors.js";
import type {CommandContext, CommandResult} from "../command-context.js";
import {type CommonFlags, settingsOf} from "../common-flags.js";
import type {ProgressLine} from "../output/progress-line.js";
import {formatBytes, formatCount, formatMs, formatNumberOf, formatShare} from "../output/units.js";
import {formatTable} from "../output/table.js";
import type {Terminal} from "../output/terminal.js";
import {type SkippedFile, openWorkspace} from "../workspace-files.js";
import {withLoadedEngine} from "../with-engine.js";

export async function runRead(
    context: CommandContext,
    paths: readonly string[],
    flags: CommonFlags,
    {refine = false}: {refine?: boolean} = {},
): Promise<CommandResult> {
    const {signal} = context.interrupt;
    const settings = settingsOf(flags, context.root);
    if (refine) checkRefinable(settings.policy);
    const report = await withLoadedEngine(context, settings, async (engine, progress, model) => {
        const {files, skipped} = await openWorkspace(engine, context.root, paths, signal);
        if (model.headProfile === "none" && policyNeeds(policyByName(settings.policy)).profile)
            await measureProfile(engine, context, progress);
        const read = await engine.read(
            {workspace: context.root, paths: files.map((file) => file.path), ...(refine ? {refine} : {})},
            progress.showRead,
            signal,
        );
        return withSkipped(read, skipped);
    });
    return {json: readJson(report), text: readText(report, context.terminal)};
}

/**
 * Without a head profile files would be kept whole, so the first read measures it on its own files. The engine would do
 * so behind the read; here it has a line of progress.
 */
async function measureProfile(engine: EngineApi, context: CommandContext, progress: ProgressLine): Promise<void> {
    context.terminal.stderr.write("note: this model has no head profile yet; it is measured on these files, once.\n");
    try {
        await engine.calibrate(
            {workspace: context.root},
            (share) => progress.showShare("measuring the head profile", share),
            context.interrupt.signal,
        );
    } catch (error) {
        // Too little text to measure it on: the files stay whole until there is more.
        if (!isKvasirError(error, "usage")) throw error;
        context.terminal.stderr.write(`note: ${error.message} The files are kept whole.\n`);
    }
    progress.clear();
}

/** What the scan left out comes first: it was never the engine's. */
export function withSkipped(report: ReadReport, skipped: readonly SkippedFile[]): ReadReport {
    return {...report, skipped: [...skipped, ...report.skipped]};
}

/** The contract's fields and no others. */
export function readJson({files, skipped, totals}: ReadReport): object {
    return {
        files: files.map(({path, tokens, keptRows, bytes, fullBytes, source, ms, refined, refineMs}) => ({
            path,
            tokens,
            keptRows,
            bytes,
            fullBytes,
            source,
            ms,
            refined,
            ...(refineMs === undefined ? {} : {refineMs}),
        })),
        skipped: skipped.map(({path, reason}) => ({path, reason})),
        totals: {
            tokens: totals.tokens,
            bytes: totals.bytes,
            fullBytes: totals.fullBytes,
            ms: totals.ms,
            ...(totals.refineMs === undefined ? {} : {refineMs: totals.refineMs}),
        },
    };
}

const sourceWords = {memory: "in memory", disk: "from disk", read: "read"} as const;

export function readText({files, skipped, totals}: ReadReport, {colors, columns: width}: Terminal): string {
    const parts: string[] = [];
    const isRefining = totals.refineMs !== undefined;
    if (files.length > 0) {
        parts.push(
            formatTable(
                [
                    {title: "file"},
                    {title: "tokens", align: "right"},
                    {title: "rows kept", align: "right"},
                    {title: "kept", align: "right"},
                    {title: "uncut", align: "right"},
                    {title: "", align: "left"},
                    {title: "time", align: "right"},
                    ...(isRefining ? [{title: "refined", align: "right"} as const] : []),
                ],
                files.map(({path, tokens, keptRows, bytes, fullBytes, source, ms, refined, refineMs = 0}) => [
                    path,
                    String(tokens),
                    `${Math.round(keptRows)} (${formatShare(keptRows, tokens)})`,
                    formatBytes(bytes),
                    formatBytes(fullBytes),
                    sourceWords[source],
                    formatMs(ms),
                    ...(isRefining ? [refined ? formatMs(refineMs) : "no"] : []),
                ]),
                {colors, width},
            ),
        );
    }
    if (skipped.length > 0) {
        const lines = skipped.map(({path, reason}) => `  ${path}: ${reason}`);
        parts.push([colors.dim(`not read: ${formatNumberOf(skipped.length, "path")}`), ...lines].join("\n"));
    }
    parts.push(
        colors.bold(
            `${formatNumberOf(files.length, "file")}, ${formatCount(totals.tokens)} tokens, ` +
                `${formatBytes(totals.bytes)} of ${formatBytes(totals.fullBytes)} ` +
                `(${formatShare(totals.bytes, totals.fullBytes)}), ${formatMs(totals.ms)}` +
                (totals.refineMs === undefined ? "" : `, refined in ${formatMs(totals.refineMs)}`),
        ),
    );
    return parts.join("\n\n");
}
