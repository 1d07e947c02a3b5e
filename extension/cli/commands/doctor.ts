/** `kvasir doctor`: what this machine has, and what to do about the rest. */
import type {DoctorReport} from "../../protocol/engine.js";
import type {CommandContext, CommandResult} from "../command-context.js";
import {type CommonFlags, settingsOf} from "../common-flags.js";
import type {Terminal} from "../output/terminal.js";
import {formatCount} from "../output/units.js";
import {withEngine} from "../with-engine.js";

export async function runDoctor(context: CommandContext, flags: CommonFlags): Promise<CommandResult> {
    const report = await withEngine(context, settingsOf(flags, context.root), (engine, progress) => {
        progress.show("looking at the machine");
        return engine.doctor();
    });
    return {json: doctorJson(report), text: doctorText(report, context.terminal), exitCode: report.ok ? 0 : 1};
}

/** The contract's fields and no others. */
export function doctorJson({ok, checks, engine, model}: DoctorReport): object {
    return {
        ok,
        checks: checks.map(({id, ok, detail, fix}) => ({id, ok, detail, ...(fix === undefined ? {} : {fix})})),
        engine: {backend: engine.backend, addon: engine.addon, llamaRelease: engine.llamaRelease},
        model: {
            path: model.path,
            architecture: model.architecture,
            layers: model.layers,
            kvHeads: model.kvHeads,
            headDim: model.headDim,
            window: model.window,
            supported: model.supported,
            ...(model.reason === undefined ? {} : {reason: model.reason}),
        },
    };
}

export function doctorText({ok, checks, engine, model}: DoctorReport, {colors}: Terminal): string {
    const width = Math.max(0, ...checks.map((check) => check.id.length));
    const lines = checks.flatMap(({id, ok, detail, fix}) => [
        `${ok ? colors.green("✔") : colors.red("✘")} ${id.padEnd(width)}  ${detail}`,
        ...(fix === undefined ? [] : [`  ${" ".repeat(width)}  ${colors.yellow(fix)}`]),
    ]);
    lines.push("");
    lines.push(`engine: ${engine.backend}, addon ${engine.addon}, llama.cpp ${engine.llamaRelease}`);
    if (model.layers > 0)
        lines.push(
            `model: ${model.architecture}, ${model.layers} layers, ${model.kvHeads} KV heads of ${model.headDim}, ` +
                `window ${formatCount(model.window)} tokens${model.supported ? "" : colors.red(", not supported")}`,
        );
    if (model.reason !== undefined) lines.push(`       ${model.reason}`);
    lines.push(ok ? colors.green("All is well.") : colors.red("Something is missing: see the lines marked ✘."));
    return lines.join("\n");
}
