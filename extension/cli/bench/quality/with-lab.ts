/** Opens the laboratory for one command, with the product's own layout and head profile, and closes it whatever happens. */
import type {CommandContext} from "../../command-context.js";
import {checkModelExists, settingsOf, type CommonFlags} from "../../common-flags.js";
import {ProgressLine} from "../../output/progress-line.js";
import {QualityLab} from "./quality-lab.js";

export async function withLab<Result>(
    context: CommandContext,
    flags: CommonFlags,
    work: (lab: QualityLab, progress: ProgressLine) => Promise<Result>,
): Promise<Result> {
    const settings = settingsOf(flags, context.root);
    checkModelExists(settings);
    const progress = new ProgressLine(context.terminal);
    try {
        const lab = await QualityLab.open({
            settings,
            prefix: undefined,
            profile: undefined,
            calibrateOn: undefined,
            signal: context.interrupt.signal,
            say: (what) => progress.show(what),
        });
        try {
            return await work(lab, progress);
        } finally {
            await lab.close();
        }
    } finally {
        progress.clear();
    }
}
