/** `kvasir calibrate`: measures which share of a budget each head of the model needs. */
import type {CalibrateReport} from "../../protocol/engine.js";
import type {CommandContext, CommandResult} from "../command-context.js";
import {type CommonFlags, settingsOf} from "../common-flags.js";
import type {Terminal} from "../output/terminal.js";
import {formatMs} from "../output/units.js";
import {openWorkspace} from "../workspace-files.js";
import {withLoadedEngine} from "../with-engine.js";

export async function runCalibrate(context: CommandContext, flags: CommonFlags): Promise<CommandResult> {
    const {signal} = context.interrupt;
    const report = await withLoadedEngine(context, settingsOf(flags, context.root), async (engine, progress) => {
        await openWorkspace(engine, context.root, undefined, signal);
        return engine.calibrate(
            {workspace: context.root},
            (share) => progress.showShare("measuring the head profile", share),
            signal,
        );
    });
    return {json: calibrateJson(report), text: calibrateText(report, context.terminal)};
}

/** The contract's fields and no others. */
export function calibrateJson({path, budgets, ms}: CalibrateReport): object {
    return {path, budgets: budgets.map(({share, perHead}) => ({share, perHead})), ms};
}

/** Heads are drawn as one character each, a line per layer, for the first budget. */
export function calibrateText({path, budgets, ms}: CalibrateReport, {colors}: Terminal): string {
    const lines: string[] = [];
    for (const {share, perHead} of budgets) {
        const shares = perHead.flat().sort((a, b) => b - a);
        const at = (part: number): string => percent(shares[Math.floor(part * (shares.length - 1))] ?? 0);
        lines.push(
            `at ${percent(share)} of the rows: the greediest head keeps ${at(0)}, ` +
                `a quarter of the heads ${at(0.25)} and more, half of them ${at(0.5)} and less, the humblest ${at(1)}`,
        );
    }
    const [first] = budgets;
    if (first !== undefined) {
        lines.push("", colors.dim(`share kept per KV head at ${percent(first.share)}, one line per layer`));
        for (const [layer, heads] of first.perHead.entries())
            lines.push(`${String(layer).padStart(3)} ${heads.map((head) => shade(head)).join("")}`);
    }
    lines.push("", `${path} (${formatMs(ms)})`);
    return lines.join("\n");
}

const shades = " ▁▂▃▄▅▆▇█";

function shade(share: number): string {
    const index = Math.round(share * (shades.length - 1));
    return shades[Math.min(shades.length - 1, Math.max(0, index))]!;
}

function percent(share: number): string {
    return `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`;
}
