/**
 * Owns the reading of `kvasir.*` settings as typed values. package.json has their defaults and descriptions; a test
 * compares both.
 */
import * as vscode from "vscode";
import type {EngineSettings, ServerKind} from "../protocol/engine.js";

/** Every setting under its name without `kvasir.`. */
export interface SettingTypes {
    "model.path": string;
    "model.folders": string[];
    "engine.location": "local" | "server";
    "server.url": string;
    "server.model": string;
    "server.kind": ServerKind;
    "engine.gpu": EngineSettings["gpu"];
    "engine.threads": number;
    "engine.kvMib": number;
    "engine.idleMinutes": number;
    "cache.policy": string;
    "cache.budget": number;
    "cache.rowType": EngineSettings["rowType"];
    "cache.folder": string;
    "cache.limitMib": number;
    "cache.encrypt": boolean;
    "context.attendedTokens": number;
    "context.waitForReadsMs": number;
    "context.position": EngineSettings["position"];
    "context.instructions": string;
    "context.instructionFiles": boolean;
    "reading.automatic": boolean;
    "reading.refine": boolean;
    "reading.exclude": string[];
    "reading.maxFileKib": number;
    "chat.maxTokens": number;
    "chat.temperature": number;
    "chat.renameSuggestions": "auto" | "on" | "off";
    "completion.enabled": boolean;
    "completion.languages": Record<string, boolean>;
    "completion.multiLine": "auto" | "never" | "always";
    "completion.maxTokens": number;
    "completion.debounceMs": number;
    "completion.besideCopilot": "both" | "kvasir" | "copilot";
}

export type SettingName = keyof SettingTypes;

export interface Settings {
    /** The value in force, for a resource when the setting can differ by folder. */
    get<N extends SettingName>(name: N, scope?: vscode.ConfigurationScope): SettingTypes[N];
    set<N extends SettingName>(name: N, value: SettingTypes[N], target?: vscode.ConfigurationTarget): Promise<void>;
    /** Tells when one of the named settings may have changed. */
    onDidChange(names: readonly SettingName[], listener: () => void): vscode.Disposable;
    /** What the engine is started with. `cacheDir` and `modelPath` are empty for the engine's own choice. */
    engine(): EngineSettings;
}

const section = "kvasir";

export function createSettings(): Settings {
    const get = <N extends SettingName>(name: N, scope?: vscode.ConfigurationScope) =>
        // VS Code fills in the default of package.json, so there always is a value.
        vscode.workspace.getConfiguration(section, scope).get(name) as SettingTypes[N];
    return {
        get,
        async set(name, value, target = vscode.ConfigurationTarget.Global) {
            await vscode.workspace.getConfiguration(section).update(name, value, target);
        },
        onDidChange(names, listener) {
            return vscode.workspace.onDidChangeConfiguration((event) => {
                if (names.some((name) => event.affectsConfiguration(`${section}.${name}`))) listener();
            });
        },
        engine() {
            const kvMib = get("engine.kvMib");
            const cacheLimitMib = get("cache.limitMib");
            const remote = {baseUrl: get("server.url").trim(), model: get("server.model"), kind: get("server.kind")};
            return {
                ...(get("engine.location") === "server" ? {remote} : {}),
                modelPath: get("model.path"),
                gpu: get("engine.gpu"),
                policy: get("cache.policy"),
                budget: get("cache.budget"),
                rowType: get("cache.rowType"),
                ...(kvMib > 0 ? {kvMib} : {}),
                cacheDir: get("cache.folder"),
                ...(cacheLimitMib > 0 ? {cacheLimitMib} : {}),
                threads: get("engine.threads"),
                position: get("context.position"),
                attendedTokens: get("context.attendedTokens"),
                waitForReadsMs: get("context.waitForReadsMs"),
            };
        },
    };
}

/** The settings that an engine is started with: a change of one starts it anew. */
export const engineSettingNames: readonly SettingName[] = [
    "model.path",
    "engine.location",
    "server.url",
    "server.model",
    "server.kind",
    "engine.gpu",
    "engine.threads",
    "engine.kvMib",
    "engine.idleMinutes",
    "cache.policy",
    "cache.budget",
    "cache.rowType",
    "cache.folder",
    "cache.limitMib",
    "cache.encrypt",
    "context.attendedTokens",
    "context.waitForReadsMs",
    "context.position",
];
