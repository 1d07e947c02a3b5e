/** `kvasir cache`: what the store holds, and its mending. */
import path from "node:path";
import type {CacheReport} from "../../protocol/engine.js";
import {fileMissing} from "../../protocol/errors.js";
import type {CommandContext, CommandResult} from "../command-context.js";
import {type CommonFlags, settingsOf} from "../common-flags.js";
import {formatTable} from "../output/table.js";
import type {Terminal} from "../output/terminal.js";
import {formatBytes, formatCount, formatNumberOf} from "../output/units.js";
import {withEngine} from "../with-engine.js";

export type CacheAction = "list" | "drop" | "clear" | "verify";

/** Every action answers what the store holds afterwards; for people it first says what it did. */
export async function runCache(
    context: CommandContext,
    action: CacheAction,
    dropped: string | undefined,
    flags: CommonFlags,
): Promise<CommandResult> {
    return withEngine(context, settingsOf(flags, context.root), async (engine, progress) => {
        const {colors} = context.terminal;
        let done = "";
        if (action === "drop") {
            const name = storedPath(context.root, dropped!);
            const nDropped = await engine.cacheDrop(name);
            if (nDropped === 0) throw fileMissing(`${name} in the cache`);
            done = `dropped ${formatNumberOf(nDropped, "segment")} of ${name}`;
        } else if (action === "clear") {
            await engine.cacheClear();
            done = "the cache is empty";
        } else if (action === "verify") {
            progress.show("verifying the cache");
            const {checked, bad} = await engine.cacheVerify();
            progress.clear();
            const removed = bad.map(({path, reason}) => `  ${path}: ${reason}`);
            done = [
                bad.length === 0
                    ? colors.green(`${formatNumberOf(checked, "segment")} checked, all of them good`)
                    : colors.yellow(`${formatNumberOf(checked, "segment")} checked, ${bad.length} damaged and removed`),
                ...removed,
            ].join("\n");
        }
        const report = await engine.cacheList();
        const table = action === "list" || action === "verify" ? cacheText(report, context.terminal) : "";
        return {json: cacheJson(report), text: [done, table].filter((part) => part !== "").join("\n\n")};
    });
}

/** A path as the store knows it: relative to the workspace, with "/"; as given outside of it. */
export function storedPath(root: string, given: string): string {
    const relative = path.relative(root, path.resolve(root, given));
    const isOutside = relative === "" || relative.startsWith("..") || path.isAbsolute(relative);
    return (isOutside ? given : relative).split(path.sep).join("/");
}

/** The contract's fields and no others. */
export function cacheJson({entries, bytes, limitBytes}: CacheReport): object {
    return {
        entries: entries.map(({path, tokens, bytes, tier, refined}) => ({path, tokens, bytes, tier, refined})),
        bytes,
        limitBytes,
    };
}

export function cacheText({entries, bytes, limitBytes}: CacheReport, {colors, columns: width}: Terminal): string {
    const total = colors.bold(
        `${formatNumberOf(entries.length, "segment")}, ${formatBytes(bytes)} of at most ${formatBytes(limitBytes)}`,
    );
    if (entries.length === 0) return total;
    const table = formatTable(
        [
            {title: "file"},
            {title: "tokens", align: "right"},
            {title: "bytes", align: "right"},
            {title: "where"},
            {title: "refined"},
        ],
        entries.map(({path, tokens, bytes, tier, refined}) => [
            path,
            formatCount(tokens),
            formatBytes(bytes),
            tier,
            refined ? "yes" : "no",
        ]),
        {colors, width},
    );
    return `${table}\n\n${total}`;
}
