/** `kvasir bench speed`: runs the chosen groups of rows one after another. A row that cannot run says why. */
import {existsSync} from "node:fs";
import {mkdtemp, rm} from "node:fs/promises";
import {cpus, tmpdir, totalmem} from "node:os";
import path from "node:path";
import {isKvasirError, KvasirError, toKvasirError, usage} from "../../protocol/errors.js";
import type {CommandContext, CommandResult} from "../command-context.js";
import {checkModelExists, type CommonFlags, settingsOf} from "../common-flags.js";
import {ProgressLine} from "../output/progress-line.js";
import {sentenceOf} from "../output/report.js";
import {alternate, compareSides} from "./alternate.js";
import {demoRepository} from "./bench-files.js";
import {BenchLab} from "./bench-lab.js";
import {missingPeers} from "./peers.js";
import type {RowGroup} from "./row-group.js";
import {rowGroups, rowNames} from "./rows/index.js";
import {type Machine, type Missing, type SpeedReport, type SpeedRow, speedText} from "./speed-report.js";

export interface SpeedFlags extends CommonFlags {
    rounds: number;
    rows?: string[];
    repo?: string;
}

export async function runSpeed(context: CommandContext, flags: SpeedFlags): Promise<CommandResult> {
    const wanted = new Set(flags.rows ?? rowNames);
    for (const name of wanted) {
        if (!rowNames.includes(name)) throw usage(`no row is called "${name}".`, `There are: ${rowNames.join(", ")}.`);
    }
    const repo = flags.repo === undefined ? demoRepository() : path.resolve(context.root, flags.repo);
    if (!existsSync(repo)) throw usage(`there is no folder ${repo}.`, "Name a repository with --repo PATH.");
    // A store of its own: what other runs have read would make cold rows warm.
    const ownCache = flags.cacheDir === undefined ? await mkdtemp(path.join(tmpdir(), "kvasir-bench-")) : undefined;
    const settings = settingsOf({...flags, ...(ownCache === undefined ? {} : {cacheDir: ownCache})}, context.root);
    checkModelExists(settings);
    const progress = new ProgressLine(context.terminal);
    const lab = new BenchLab(context, settings, repo, flags.rounds, (what) => progress.show(what));
    const work = measure(lab, wanted, progress);
    try {
        const report = await Promise.race([work, cancelledBy(lab.signal)]);
        return {json: report, text: speedText(report, context.terminal)};
    } finally {
        progress.clear();
        // A prompt of plain llama.cpp can take half a minute and knows no cancel: nobody should wait for it to close.
        if (lab.signal.aborted) work.catch(() => undefined);
        else await lab.close();
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

async function measure(lab: BenchLab, wanted: ReadonlySet<string>, progress: ProgressLine): Promise<SpeedReport> {
    const machine = await describeMachine(lab);
    const rows: SpeedRow[] = [];
    const missing: Missing[] = missingPeers();
    for (const group of rowGroups) {
        const names = group.rows.map((row) => row.name).filter((name) => wanted.has(name));
        if (names.length === 0) continue;
        try {
            rows.push(...(await measureGroup(lab, group, names, progress)));
        } catch (error) {
            if (lab.signal.aborted || isKvasirError(error, "cancelled")) throw error;
            const why = sentenceOf(toKvasirError(error));
            missing.push(...names.map((name) => ({name, why})));
        }
    }
    return {machine, rows, missing};
}

async function measureGroup(
    lab: BenchLab,
    group: RowGroup,
    names: readonly string[],
    progress: ProgressLine,
): Promise<SpeedRow[]> {
    progress.show(`preparing ${names.join(", ")}`);
    const prepared = await group.prepare(lab);
    try {
        const plans = group.rows.filter((row) => names.includes(row.name));
        const used = new Set(plans.flatMap(({kvasir, peer}) => [kvasir, peer]));
        const sides = Object.fromEntries(Object.entries(prepared.sides).filter(([side]) => used.has(side)));
        progress.show(`measuring ${names.join(", ")}`);
        const costs = await alternate(sides, {
            rounds: prepared.isExact ? 1 : lab.rounds,
            warmUp: prepared.warmUp ?? true,
            signal: lab.signal,
        });
        return plans.map(({name, unit, kvasir, peer, peerName}) => {
            const compared = compareSides(costs[kvasir]!, costs[peer]!);
            return {
                name,
                unit,
                kvasir: compared.kvasir,
                peer: compared.peer,
                peerName,
                ratio: compared.ratio,
                spread: compared.spread,
            };
        });
    } finally {
        await prepared.dispose();
    }
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
    };
}
