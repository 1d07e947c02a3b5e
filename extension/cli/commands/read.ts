/** `kvasir read PATH...`: files and folders into segments. */
import type {ReadReport} from "../../protocol/engine.js";
import type {CommandContext, CommandResult} from "../command-context.js";
import {type CommonFlags, settingsOf} from "../common-flags.js";
import {formatBytes, formatCount, formatMs, formatNumberOf, formatShare} from "../output/units.js";
import {formatTable} from "../output/table.js";
import type {Terminal} from "../output/terminal.js";
import {type SkippedFile, openWorkspace} from "../workspace-files.js";
import {withLoadedEngine} from "../with-engine.js";

export async function runRead(
    context: CommandContext,
    paths: readonly string[],
    flags: CommonFlags,
): Promise<CommandResult> {
    const {signal} = context.interrupt;
    const report = await withLoadedEngine(context, settingsOf(flags, context.root), async (engine, progress) => {
        const {files, skipped} = await openWorkspace(engine, context.root, paths, signal);
        const read = await engine.read(
            {workspace: context.root, paths: files.map((file) => file.path)},
            progress.showRead,
            signal,
        );
        return withSkipped(read, skipped);
    });
    return {json: readJson(report), text: readText(report, context.terminal)};
}

/** What the scan left out comes first: it was never the engine's. */
export function withSkipped(report: ReadReport, skipped: readonly SkippedFile[]): ReadReport {
    return {...report, skipped: [...skipped, ...report.skipped]};
}

/** The contract's fields and no others. */
export function readJson({files, skipped, totals}: ReadReport): object {
    return {
        files: files.map(({path, tokens, keptRows, bytes, fullBytes, source, ms}) => ({
            path,
            tokens,
            keptRows,
            bytes,
            fullBytes,
            source,
            ms,
        })),
        skipped: skipped.map(({path, reason}) => ({path, reason})),
        totals: {tokens: totals.tokens, bytes: totals.bytes, fullBytes: totals.fullBytes, ms: totals.ms},
    };
}

const sourceWords = {memory: "in memory", disk: "from disk", read: "read"} as const;

export function readText({files, skipped, totals}: ReadReport, {colors, columns: width}: Terminal): string {
    const parts: string[] = [];
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
                ],
                files.map(({path, tokens, keptRows, bytes, fullBytes, source, ms}) => [
                    path,
                    String(tokens),
                    `${Math.round(keptRows)} (${formatShare(keptRows, tokens)})`,
                    formatBytes(bytes),
                    formatBytes(fullBytes),
                    sourceWords[source],
                    formatMs(ms),
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
                `(${formatShare(totals.bytes, totals.fullBytes)}), ${formatMs(totals.ms)}`,
        ),
    );
    return parts.join("\n\n");
}
