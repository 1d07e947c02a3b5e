/** `kvasir models list`, `advise`, `use`: what there is to choose from, what fits, and the choice. No network. */
import path from "node:path";
import type {MachineFacts, ModelChoice, ModelFit, ModelsReport} from "../../protocol/models.js";
import {modelBroken, modelUnknown, modelUnsupported} from "../../protocol/errors.js";
import {parseModelName} from "../../core/models/model-uri.js";
import {readCatalogue} from "../../engine/models/catalogue-file.js";
import {modelChoices} from "../../engine/models/choices.js";
import {type LocalModel, findLocalModels} from "../../engine/models/local-models.js";
import {machineOf} from "../../engine/models/machine.js";
import {chooseModel, modelFolder} from "../../engine/models/model-folder.js";
import type {CommandContext, CommandResult} from "../command-context.js";
import {type CommonFlags, checkModelExists, modelPath} from "../common-flags.js";
import {ProgressLine} from "../output/progress-line.js";
import {packageRoot} from "../package-root.js";
import {formatTable} from "../output/table.js";
import type {Terminal} from "../output/terminal.js";
import {formatBytes, formatCount} from "../output/units.js";

type FolderFlags = CommonFlags & {folder?: string[]};

export async function runModelsList(
    context: CommandContext,
    flags: FolderFlags,
    {isAdvice}: {isAdvice: boolean},
): Promise<CommandResult> {
    const {terminal, root} = context;
    const progress = new ProgressLine(terminal);
    try {
        progress.show("looking for models");
        const {models, leftOut} = await readCatalogue();
        const local = await localModels(root, flags);
        if (isAdvice) progress.show("looking at the machine");
        const machine = isAdvice ? await machineOf(flags.gpu, modelFolder()) : undefined;
        const report: ModelsReport = {
            ...(machine === undefined ? {} : {machine}),
            models: await modelChoices(models, local, machine),
            current: modelPath(flags, root),
        };
        progress.clear();
        const left = leftOut.map(({name, why}) => `  ${name}: ${why}`).join("\n");
        const text = isAdvice
            ? adviceText(report, terminal)
            : `${listText(report, terminal)}\n\nNot in the list:\n${left}`;
        return {json: report, text};
    } finally {
        progress.clear();
    }
}

export async function runModelsUse(
    {root, terminal}: CommandContext,
    name: string,
    flags: FolderFlags,
): Promise<CommandResult> {
    const {models} = await readCatalogue();
    const parsed = parseModelName(name, models);
    const local = await localModels(root, flags);
    const asFile = path.resolve(root, name);
    const wanted = parsed?.kind === "catalogue" ? parsed.entry.file.replace(/\.gguf$/i, "") : name;
    const found = local.find((model) => model.name === wanted) ?? local.find((model) => model.path === asFile);
    if (found === undefined && parsed?.kind === "catalogue") throw modelUnknownHere(parsed.entry.id);
    if (found === undefined && parsed?.kind !== "file") throw modelUnknown(name);
    const file = found?.path ?? asFile;
    checkModelExists({modelPath: file});
    const [choice] = await modelChoices(models, [found ?? {name: wanted, path: file, bytes: 0, source: ""}], undefined);
    const {readGgufFacts} = await import("../../engine/models/gguf-facts.js");
    const {reason} = await readGgufFacts(file);
    if (reason !== undefined) throw modelUnsupported(file, reason);
    if (choice === undefined) throw modelBroken(file, "it cannot be read");
    await chooseModel(modelFolder(), file);
    return {json: {path: file}, text: `${terminal.colors.green("✔")} ${file} is used from now on.`};
}

function modelUnknownHere(id: string) {
    const error = modelUnknown(id);
    return Object.assign(error, {message: `${id} is not on this machine.`, fix: `Run \`kvasir models get ${id}\`.`});
}

function localModels(root: string, {folder = []}: FolderFlags): Promise<LocalModel[]> {
    return findLocalModels({
        own: modelFolder(),
        folders: [path.join(packageRoot(), ".kvasir/models"), ...folder.map((each) => path.resolve(root, each))],
    });
}

function listText({models, current}: ModelsReport, {colors, columns: width}: Terminal): string {
    const here = models.filter(({path: file}) => file !== undefined);
    const rows = here.map((model) => [
        model.name,
        formatBytes(model.bytes),
        model.quant ?? "",
        fimText(model),
        `${model.source}${model.path === current ? colors.green(" (in use)") : ""}`,
        model.reason ?? model.path ?? "",
    ]);
    const local = formatTable(
        [
            {title: "on this machine"},
            {title: "size", align: "right"},
            {title: "quant"},
            {title: "FIM"},
            {title: "from"},
            {title: "file"},
        ],
        rows,
        {colors, width: Math.max(width, 160)},
    );
    const remote = formatTable(
        [
            {title: "to download"},
            {title: "size", align: "right"},
            {title: "quant"},
            {title: "FIM"},
            {title: "window", align: "right"},
            {title: "licence"},
        ],
        models
            .filter(({path: file}) => file === undefined)
            .map((model) => [
                model.id ?? "",
                sizeText(model),
                model.quant ?? "",
                fimText(model),
                formatCount(model.window ?? 0),
                `${model.licence?.name ?? ""}${model.licence?.isOpen === false ? " (!)" : ""}`,
            ]),
        {colors, width},
    );
    const hint = "`kvasir models advise` says what fits into this machine; `kvasir models get ID` downloads.";
    return [local, remote, hint].filter((part) => part !== "").join("\n\n");
}

const where: Record<ModelFit["where"], string> = {
    gpu: "GPU",
    partly: "GPU in part: slow",
    cpu: "CPU",
    no: "does not fit",
};

/** The table before any download. Tokens are those of files that stay in memory at a quarter and an eighth of their rows. */
export function adviceText({machine, models}: ModelsReport, {colors, columns: width}: Terminal): string {
    const table = formatTable(
        [
            {title: "model"},
            {title: "size", align: "right"},
            {title: "runs on"},
            {title: "KV", align: "right"},
            {title: "files at 25 %", align: "right"},
            {title: "at 12.5 %", align: "right"},
            {title: "FIM"},
            {title: "speed"},
            {title: ""},
        ],
        models
            .filter((model) => model.fit !== undefined && model.reason === undefined)
            .map((model) => [
                model.id ?? model.name,
                sizeText(model),
                where[model.fit!.where],
                model.fit!.kvBytes === 0 ? "" : formatBytes(model.fit!.kvBytes),
                tokensText(model.fit!.residentTokens.quarter),
                tokensText(model.fit!.residentTokens.eighth),
                fimText(model),
                speedText(model),
                model.isRecommended ? colors.green("to begin with") : model.path === undefined ? "" : "here",
            ]),
        {colors, width},
    );
    const refused = models
        .filter(({reason}) => reason !== undefined)
        .map(({name, reason}) => colors.yellow(`${name} cannot be used: ${reason}`));
    const note =
        "Tokens of files that stay in memory at once, read and cut to that share; the rest waits on disk. A line of code has about ten tokens.";
    return [machineText(machine), table, [...refused, note].join("\n")].filter((part) => part !== "").join("\n\n");
}

function machineText(machine: MachineFacts | undefined): string {
    if (machine === undefined) return "";
    const {backend, ram, vram, disk} = machine;
    const gpu = vram === undefined ? "" : `, ${formatBytes(vram.free)} of ${formatBytes(vram.total)} VRAM free`;
    return `${backend}${gpu}, ${formatBytes(ram.free)} of ${formatBytes(ram.total)} RAM free, ${formatBytes(disk.free)} free in ${disk.folder}`;
}

function sizeText({bytes, isBytesAbout}: ModelChoice): string {
    return `${isBytesAbout ? "about " : ""}${formatBytes(bytes)}`;
}

function fimText({isFim}: ModelChoice): string {
    return isFim === undefined ? "" : isFim ? "yes" : "no";
}

function speedText({speed}: ModelChoice): string {
    return speed === undefined ? "" : `${speed.class} (${speed.basis})`;
}

function tokensText(tokens: number): string {
    return tokens === 0 ? "-" : formatCount(tokens);
}
