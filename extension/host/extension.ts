/**
 * The composition root: makes the parts, hands each the few it needs, and starts the features. Nothing here reads a file
 * or starts a process: the workspace is looked at after activation, the engine is started when it is needed.
 */
import os from "node:os";
import path from "node:path";
import * as vscode from "vscode";
import {engineFolder} from "../core/process/engine-folder.js";
import {register as registerCacheView} from "./cache-view/register.js";
import {register as registerChat} from "./chat/register.js";
import {registerCoreCommands} from "./commands/core-commands.js";
import {register as registerCompletion} from "./completion/register.js";
import type {Ctx} from "./ctx.js";
import {registerDoctor} from "./doctor/register.js";
import {createEngineClient} from "../client/engine-client.js";
import {withServerKey} from "./server-key.js";
import {storeKeyOf} from "./store-key.js";
import {ownModels, resolveEngineSettings} from "./engine-settings.js";
import {disposeAll, loadFeatures} from "./feature.js";
import {register as registerHeatMap} from "./heat-map/register.js";
import {register as registerLanguageModel} from "./language-model/register.js";
import {createLog} from "./log.js";
import {proxyVariables} from "./proxy.js";
import {createSettings, engineSettingNames} from "./settings.js";
import {registerModels} from "./models/register.js";
import {registerStatus} from "./status/register.js";
import {createBackgroundReading} from "./workspace/background-reading.js";
import {showPinsToMenus} from "./workspace/pinned-context.js";
import {createWorkspaceSync} from "./workspace/workspace-sync.js";

/** What tests are given; nobody else. */
export interface TestApi {
    ctx: Ctx;
    failedFeatures: readonly string[];
    activationMs: number;
}

export function activate(context: vscode.ExtensionContext): TestApi | undefined {
    const startedMs = performance.now();
    const log = createLog();
    const settings = createSettings();
    const {version} = context.extension.packageJSON as {version: string};
    const engineSettings = () =>
        resolveEngineSettings(settings.engine(), {
            own: ownModels(process.env),
            checkout: path.join(context.extensionPath, ".kvasir", "models"),
            workspace: vscode.workspace.workspaceFolders?.[0]?.uri.fsPath,
        });
    let differing: readonly string[] = [];
    let quarantined: readonly string[] = [];
    let lastCrash: string | undefined;
    const engine = createEngineClient({
        folder: engineFolder({
            platform: process.platform,
            env: process.env,
            uid: process.getuid?.(),
            temporary: os.tmpdir(),
            home: os.homedir(),
        }),
        program: () => ({
            executable: process.execPath,
            script: path.join(context.extensionPath, "dist", "engine.mjs"),
            version,
            idleMs: settings.get("engine.idleMinutes") * 60_000,
            env: proxyVariables(),
        }),
        settings: async () => {
            const wanted = await withServerKey(engineSettings(), context.secrets);
            return settings.get("cache.encrypt") ? {...wanted, storeKey: await storeKeyOf(context.secrets)} : wanted;
        },
        name: vscode.workspace.name ?? "window",
        log,
        onHello(reply) {
            differing = reply.differing;
            quarantined = reply.quarantined;
            lastCrash = reply.lastCrash;
            if (lastCrash !== undefined) log.warn(`The engine before this one died in native code:\n${lastCrash}`);
            if (quarantined.length > 0)
                log.warn(`Left out, because reading them has ended the engine: ${quarantined.join(", ")}.`);
            if (differing.length > 0) {
                log.warn(`Another window holds these settings at other values: ${differing.join(", ")}.`);
            }
        },
    });
    const workspace = createWorkspaceSync({engine, settings, log, state: context.workspaceState});
    const reading = createBackgroundReading({engine, workspace, settings, log});
    const ctx: Ctx = {
        engine,
        settings,
        log,
        workspace,
        extensionUri: context.extensionUri,
        storageUri: context.storageUri,
        globalStorageUri: context.globalStorageUri,
        workspaceState: context.workspaceState,
        globalState: context.globalState,
        secrets: context.secrets,
    };
    const features = loadFeatures(
        {
            commands: () => registerCoreCommands({engine, workspace, reading, settings, secrets: context.secrets, log}),
            doctor: () =>
                registerDoctor({
                    engine,
                    workspace,
                    engineSettings,
                    differing: () => differing,
                    quarantined: () => quarantined,
                    lastCrash: () => lastCrash,
                    extensionVersion: version,
                    log,
                }),
            status: () => registerStatus({engine, workspace, reading, differing: () => differing, log}),
            models: (ctx) => registerModels(ctx, () => engineSettings().modelPath),
            pins: () => showPinsToMenus(workspace),
            chat: registerChat,
            completion: registerCompletion,
            cacheView: registerCacheView,
            heatMap: registerHeatMap,
            languageModel: registerLanguageModel,
        },
        ctx,
        log,
    );
    const engineSettingsWatch = settings.onDidChange(engineSettingNames, () => {
        engine.rejoin().catch((error: unknown) => log.warn("The engine did not take the new settings.", error));
    });
    context.subscriptions.push(
        log,
        disposeAll({dispose: () => void engine.dispose()}, workspace, reading, features, engineSettingsWatch),
    );
    // After the window is there: reading folders must not delay anybody's activation.
    setTimeout(() => {
        workspace.rescan().catch((error: unknown) => log.error("The workspace could not be looked at.", error));
    });
    const activationMs = performance.now() - startedMs;
    log.info(`Kvasir ${version} is active after ${activationMs.toFixed(1)} ms.`);
    return context.extensionMode === vscode.ExtensionMode.Test
        ? {ctx, failedFeatures: features.failed, activationMs}
        : undefined;
}
