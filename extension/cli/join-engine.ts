/**
 * Owns how a command that stays (serve, mcp) joins the engine process of this user: the one that a window or another
 * server has started, or a new one that others can join.
 */
import {existsSync} from "node:fs";
import os from "node:os";
import path from "node:path";
import {type EngineClient, createEngineClient} from "../client/engine-client.js";
import {engineFolder} from "../core/process/engine-folder.js";
import type {EngineSettings} from "../protocol/engine.js";
import {engineUnreachable} from "../protocol/errors.js";
import {packageRoot, packageVersion} from "./package-root.js";

/** How long an engine that we started stays after its last client. */
const idleMs = 10 * 60_000;

export interface JoinOptions {
    settings: EngineSettings;
    /** Of this client, for the engine's log. */
    name: string;
    /** For the terminal: which process it is, and which settings others hold at another value. */
    note: (line: string) => void;
}

/** @throws KvasirError `engine-unreachable` when the engine's program is not built */
export function joinEngine({settings, name, note}: JoinOptions): EngineClient {
    const script = path.join(packageRoot(), "dist", "engine.mjs");
    if (!existsSync(script)) throw engineUnreachable(`${script} is missing; \`npm run build\` makes it`);
    return createEngineClient({
        folder: engineFolder({
            platform: process.platform,
            env: process.env,
            uid: process.getuid?.(),
            temporary: os.tmpdir(),
            home: os.homedir(),
        }),
        program: () => ({executable: process.execPath, script, version: packageVersion(), idleMs}),
        settings: () => settings,
        name,
        log: {info: note, warn: note},
        onHello: ({differing, quarantined}) => {
            if (differing.length > 0)
                note(`The engine is in use with other values of: ${differing.join(", ")}. Those hold.`);
            if (quarantined.length > 0)
                note(`Left out, because reading them has ended the engine: ${quarantined.join(", ")}.`);
        },
    });
}
