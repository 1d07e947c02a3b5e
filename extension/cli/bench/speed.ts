/** `kvasir bench speed`: the chosen rows on this machine, with what is made for them and freed again. */
import {existsSync} from "node:fs";
import {mkdtemp, rm} from "node:fs/promises";
import {cpus, loadavg, tmpdir, totalmem} from "node:os";
import path from "node:path";
import {KvasirError, usage} from "../../protocol/errors.js";
import type {CommandContext, CommandResult} from "../command-context.js";
import {checkModelExists, type CommonFlags, settingsOf} from "../common-flags.js";
import {ProgressLine} from "../output/progress-line.js";
import {demoRepository} from "./bench-files.js";
import {BenchLab} from "./bench-lab.js";
import {measureGroups, type Measured} from "./measure.js";
import {rowGroups, rowNames} from "./rows/index.js";
import {type Machine, type SpeedReport, speedText} from "./speed-report.js";

export interface SpeedFlags extends CommonFlags {
    rounds: number;
    rows?: string[];
    repo?: string;
}

export async function runSpeed(context: CommandContext, flags: SpeedFlags): Promise<CommandResult> {
    for (const name of flags.rows ?? []) {
        if (!rowNames.includes(name)) throw usage(`no row is called "${name}".`, `There are: ${rowNames.join(", ")}.`);
    }
    const repo = flags.repo === undefined ? demoRepository() : path.resolve(context.root, flags.repo);
    if (!existsSync(repo)) throw usage(`there is no folder ${repo}.`, "Name a repository with --repo PATH.");
    // A store of its own: what other runs have read would make cold rows warm.
    const ownCache = flags.cacheDir === undefined ? await mkdtemp(path.join(tmpdir(), "kvasir-bench-")) : undefined;
    const settings = settingsOf({...flags, ...(ownCache === undefined ? {} : {cacheDir: ownCache})}, context.root);
    checkModelExists(settings);
    const progress = new ProgressLine(context.terminal);
    // Named files are seen whatever they take; the longest row names 16k tokens of them.
    settings.attendedTokens = Math.max(settings.attendedTokens, 32_768);
    let place = "";
    const lab = new BenchLab(context, settings, repo, flags.rounds, (what) => progress.show(place + what));
    const report: Partial<SpeedReport> & Measured = {rows: [], missing: []};
    const startedMs = performance.now();
    const result = (): CommandResult => {
        // There are no rows before the machine is known.
        const whole = {...report, durationMs: Math.round(performance.now() - startedMs)} as SpeedReport;
        return {json: whole, text: speedText(whole, context.terminal)};
    };
    const work = measure(lab, flags.rows, (group) => (place = `${group}: `), report);
    try {
        await Promise.race([work, cancelledBy(lab.signal)]);
        return result();
    } catch (error) {
        // Rounds are minutes of work: those that are complete count.
        if (!lab.signal.aborted || report.rows.length === 0) throw error;
        report.interrupted = true;
        return {...result(), exitCode: 1};
    } finally {
        progress.clear();
        // A prompt of plain llama.cpp can take half a minute and knows no cancel: nobody should wait for it to close.
        if (lab.signal.aborted) work.catch(() => undefined);
        // What a lost device does not give back goes with the process, and hides no row.
        else await lab.close().catch(() => undefined);
        if (ownCache !== undefined) await rm(ownCache, {recursive: true, force: true});
    }
}

/** Never fulfilled; rejected when the signal is given. */
function cancelledBy(signal: AbortSignal): Promise<never> {
    return new Promise((_, reject) => {
        const cancel = () => reject(new KvasirError("cancelled", "the bench was cancelled."));
        if (signal.aborted) cancel();
        else signal.addEventListener("abort", cancel, {once: true});
    });
}

async function measure(
    lab: BenchLab,
    named: readonly string[] | undefined,
    enter: (group: string) => void,
    onto: Partial<SpeedReport> & Measured,
): Promise<void> {
    onto.machine = await describeMachine(lab);
    const isOnCpu = (await lab.model()).backend === "cpu";
    await measureGroups(rowGroups, lab, {named, isOnCpu, enter, onto});
}

async function describeMachine(lab: BenchLab): Promise<Machine> {
    const model = await lab.model();
    const all = cpus();
    const devices = model.backend === "cpu" ? [] : await model.llama.getGpuDeviceNames();
    return {
        cpu: all[0]?.model.trim() ?? "unknown",
        cores: all.length,
        memoryBytes: totalmem(),
        gpu: devices.length === 0 ? "none" : `${devices.join(", ")} (${model.backend})`,
        os: `${process.platform} ${process.arch}`,
        model: path.basename(model.path),
        llamaRelease: model.addon.llamaRelease,
        date: new Date().toISOString(),
        load: loadavg()[0]!,
    };
}
