/** `kvasir models get`: the one command that uses the network, and only because somebody typed it. */
import type {DownloadProgress} from "../../protocol/models.js";
import {modelUnknown, usage} from "../../protocol/errors.js";
import {huggingFace, parseModelName} from "../../core/models/model-uri.js";
import {readCatalogue} from "../../engine/models/catalogue-file.js";
import {type DownloadJob, downloadModel} from "../../engine/models/download.js";
import {modelFolder} from "../../engine/models/model-folder.js";
import type {CommandContext, CommandResult} from "../command-context.js";
import type {CommonFlags} from "../common-flags.js";
import {ProgressLine} from "../output/progress-line.js";
import {formatBytes, formatMs} from "../output/units.js";

export async function runModelsGet(
    {terminal, interrupt}: CommandContext,
    name: string,
    flags: CommonFlags & {progress?: boolean},
): Promise<CommandResult> {
    const {models} = await readCatalogue();
    // A mirror, as other tools that know Hugging Face let one name it.
    const endpoint = withSlash(process.env.HF_ENDPOINT ?? huggingFace);
    const parsed = parseModelName(name, models, endpoint);
    if (parsed === undefined) throw modelUnknown(name);
    if (parsed.kind === "file")
        throw usage(`${name} is not an address.`, "Run `kvasir models use FILE` for a file that is here.");
    const job: Omit<DownloadJob, "folder"> =
        parsed.kind === "catalogue"
            ? {
                  ...remoteOf(parsed.entry.uri, endpoint),
                  file: parsed.entry.file,
                  ...(parsed.entry.isBytesAbout ? {} : {bytes: parsed.entry.bytes}),
                  sha256: parsed.entry.sha256,
              }
            : parsed;
    const line = new ProgressLine(terminal);
    const onProgress = (progress: DownloadProgress) => {
        if (flags.progress) terminal.stderr.write(`${JSON.stringify(progress)}\n`);
        else line.show(progressText(name, progress));
    };
    try {
        const token = process.env.HF_TOKEN;
        const report = await downloadModel(
            {...job, folder: modelFolder()},
            {signal: interrupt.signal, onProgress, endpoint, token: token === "" ? undefined : token},
        );
        line.clear();
        const how = {
            catalogue: "its checksum is the catalogue's",
            server: "its checksum is the one that the server told",
            header: "no checksum is known; its header fits its size",
        }[report.checked];
        const {green} = terminal.colors;
        return {
            json: report,
            text: report.wasThere
                ? `${green("✔")} ${report.path} was here already.`
                : `${green("✔")} ${report.path}, ${formatBytes(report.bytes)}; ${how}.\n\`kvasir models use ${JSON.stringify(report.path)}\` makes it the default.`,
        };
    } finally {
        line.clear();
    }
}

function remoteOf(uri: string, endpoint: string): {uri: string; url?: string} {
    const parsed = parseModelName(uri, [], endpoint);
    return parsed?.kind === "remote" && parsed.url !== undefined ? {uri, url: parsed.url} : {uri};
}

function withSlash(url: string): string {
    return url.endsWith("/") ? url : `${url}/`;
}

export function progressText(
    name: string,
    {step, bytes, totalBytes, bytesPerSecond, secondsLeft}: DownloadProgress,
): string {
    if (step === "asking") return `asking for ${name}`;
    if (step === "checking") return `checking ${name}, ${formatBytes(totalBytes)}`;
    const speed = bytesPerSecond === undefined ? "" : `, ${formatBytes(bytesPerSecond)}/s`;
    const left = secondsLeft === undefined ? "" : `, ${formatMs(secondsLeft * 1000)} left`;
    return `downloading ${name}: ${formatBytes(bytes)} of ${formatBytes(totalBytes)}${speed}${left}`;
}
