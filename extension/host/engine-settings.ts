/**
 * Owns what an empty setting means for the engine: which model is taken, and where what was read is kept. Looks at names
 * of files only.
 */
import {readdirSync} from "node:fs";
import os from "node:os";
import path from "node:path";
import envPaths from "env-paths";
import type {EngineSettings} from "../protocol/engine.js";

/** Where models are looked for when none is named, in this order. */
export interface SettingFolders {
    /** Where downloads go. */
    own: string;
    /** Of a checkout's set-up. */
    checkout: string;
    /** The window's first folder: a relative path in a setting of the workspace starts there. */
    workspace: string | undefined;
}

/** The command line's rule (engine/models/model-folder.ts), so that both find what either has downloaded. */
export function ownModels({KVASIR_MODELS_DIR: named}: NodeJS.ProcessEnv): string {
    return named === undefined || named === ""
        ? path.join(envPaths("kvasir", {suffix: ""}).data, "models")
        : path.resolve(named);
}

export function resolveEngineSettings(settings: EngineSettings, folders: SettingFolders): EngineSettings {
    return {
        ...settings,
        modelPath: settings.modelPath === "" ? firstModel(folders) : absolute(settings.modelPath, folders),
        cacheDir:
            settings.cacheDir === "" ? envPaths("kvasir", {suffix: ""}).cache : absolute(settings.cacheDir, folders),
    };
}

/** The first GGUF file by name; a place in the extension's own folder when there is none, for the error that names it. */
function firstModel({own, checkout}: SettingFolders): string {
    for (const folder of [own, checkout]) {
        try {
            const name = readdirSync(folder).filter(isWholeModel).sort()[0];
            if (name !== undefined) return path.join(folder, name);
        } catch {
            // No such folder: nothing was ever downloaded.
        }
    }
    return path.join(own, "model.gguf");
}

/** The first part stands for a model in several files. */
function isWholeModel(name: string): boolean {
    return /\.gguf$/i.test(name) && !/-(?!0*1-of-)\d+-of-\d+\.gguf$/i.test(name);
}

function absolute(file: string, {workspace}: SettingFolders): string {
    if (file === "~" || /^~[/\\]/.test(file)) return path.join(os.homedir(), file.slice(1));
    return path.resolve(workspace ?? os.homedir(), file);
}
