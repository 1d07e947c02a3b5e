/** The flags that every command takes, and the engine's settings that follow from them. Starts nothing. */
import {existsSync, readFileSync, statSync} from "node:fs";
import path from "node:path";
import {type Command, Option} from "commander";
import envPaths from "env-paths";
import {defaultPolicyName, policyByName} from "../core/policy/presets.js";
import {type EngineSettings, type RemoteServer, type ServerKind, serverKinds} from "../protocol/engine.js";
import {fileMissing, modelMissing} from "../protocol/errors.js";
import {chosenModel, modelFolder} from "../engine/models/model-folder.js";
import {share, wholeNumber} from "./argument-parsers.js";
import {packageRoot} from "./package-root.js";

export interface CommonFlags {
    json?: boolean;
    model?: string;
    server?: string;
    serverModel?: string;
    serverKind: ServerKind;
    gpu: EngineSettings["gpu"];
    policy: string;
    budget: number;
    kvMib?: number;
    cacheDir?: string;
    threads: number;
    position: EngineSettings["position"];
    rowType: EngineSettings["rowType"];
}

/** The model that set-up fetches. */
const smallModel = ".kvasir/models/SmolLM2-135M-Instruct.Q4_1.gguf";

const gpus = ["auto", "cpu", "cuda", "vulkan", "metal"] as const;
const positions = ["parallel", "sequential"] as const;
const rowTypes = ["f16", "q8_0", "q4_0"] as const;

/** Files of a question, in tokens before cutting. */
const attendedTokens = 8192;
/** How long a question waits for unread files that it was not told to see. */
const waitForReadsMs = 10_000;

export function addCommonFlags(program: Command): void {
    program
        .option("--json", "print one JSON object on standard output")
        .option("--model <path>", "GGUF file (default: what `models use` has chosen, else the small model of set-up)")
        .option("--server <url>", "an OpenAI-compatible server computes instead; its key is KVASIR_SERVER_KEY")
        .option("--server-model <name>", "of the server (default: its first)")
        .addOption(new Option("--server-kind <kind>", "what the server is").choices(serverKinds).default("generic"))
        .addOption(new Option("--gpu <name>", "where to compute").choices(gpus).default("auto"))
        .option("--policy <name>", "which rows of a file are kept", defaultPolicyName)
        .option("--budget <share>", "share of the rows kept, above 0 and at most 1", share, 0.25)
        .option("--kv-mib <n>", "hard limit of all KV memory, in MiB", wholeNumber(1))
        .option("--cache-dir <path>", "folder of the store")
        .option("--threads <n>", "threads of the CPU; 0 for all cores", wholeNumber(0, 4096), 0)
        .addOption(
            new Option("--position <where>", "files at the same positions, or one behind the other")
                .choices(positions)
                .default("parallel"),
        )
        .addOption(
            new Option("--row-type <name>", "number format of KV rows; q8_0 takes about half the memory, q4_0 about a quarter")
                .choices(rowTypes)
                .default("f16"),
        );
}

/** @param root folder that relative paths start from. @throws KvasirError `unknown-policy` */
export function settingsOf(flags: CommonFlags, root: string): EngineSettings {
    policyByName(flags.policy);
    return {
        ...(flags.server === undefined ? {} : {remote: remoteServer(flags.server, flags, process.env)}),
        modelPath: modelPath(flags, root),
        gpu: flags.gpu,
        policy: flags.policy,
        budget: flags.budget,
        rowType: flags.rowType,
        ...(flags.kvMib === undefined ? {} : {kvMib: flags.kvMib}),
        cacheDir: cacheFolder(flags, root),
        ...storeKey(process.env, root),
        threads: flags.threads,
        position: flags.position,
        attendedTokens,
        waitForReadsMs,
    };
}

/** The file that is used when none is named: as chosen, else the small model. */
export function modelPath({model}: Pick<CommonFlags, "model">, root: string): string {
    return path.resolve(root, model ?? chosenModel(modelFolder()) ?? path.join(packageRoot(), smallModel));
}

/** @throws KvasirError `model-missing` */
export function checkModelExists({modelPath, remote}: Pick<EngineSettings, "modelPath" | "remote">): void {
    if (remote !== undefined) return;
    if (!existsSync(modelPath) || !statSync(modelPath).isFile()) throw modelMissing(modelPath);
}

export function cacheFolder(flags: Pick<CommonFlags, "cacheDir">, root: string): string {
    return path.resolve(root, flags.cacheDir ?? envPaths("kvasir", {suffix: ""}).cache);
}

/** The server that was named, with the key from the environment: flags are seen by every user of the machine. */
function remoteServer(
    baseUrl: string,
    {serverModel, serverKind}: Pick<CommonFlags, "serverModel" | "serverKind">,
    {KVASIR_SERVER_KEY: key}: NodeJS.ProcessEnv,
): RemoteServer {
    return {
        baseUrl,
        model: serverModel ?? "",
        kind: serverKind,
        ...(key === undefined || key.trim() === "" ? {} : {apiKey: key.trim()}),
    };
}

/**
 * The key that encrypts the store: `KVASIR_STORE_KEY`, or the content of the file that `KVASIR_STORE_KEY_FILE` names. Not
 * a flag, since every user of a machine sees the flags of all processes.
 * @throws KvasirError `file-missing` for a key file that cannot be read
 */
export function storeKey(env: NodeJS.ProcessEnv, root: string): Pick<EngineSettings, "storeKey"> {
    const {KVASIR_STORE_KEY: key, KVASIR_STORE_KEY_FILE: file} = env;
    if (key !== undefined && key !== "") return {storeKey: key.trim()};
    if (file === undefined || file === "") return {};
    try {
        return {storeKey: readFileSync(path.resolve(root, file), "utf8").trim()};
    } catch {
        throw fileMissing(file);
    }
}

/**
 * Where `--session` keeps conversations. Their text cannot be computed anew, so it does not belong among caches; whoever
 * names a folder for everything gets them there.
 */
export function conversationFolder(flags: Pick<CommonFlags, "cacheDir">, root: string): string {
    const base =
        flags.cacheDir === undefined ? envPaths("kvasir", {suffix: ""}).data : path.resolve(root, flags.cacheDir);
    return path.join(base, "conversations");
}
