/** Programs that people use instead: which of them are on this machine. Starts none of them. */
import {accessSync, constants} from "node:fs";
import path from "node:path";
import type {Missing} from "./speed-report.js";

/** Peers that have no row yet are listed with the reason, so that nobody takes the table for complete. */
export function missingPeers(env: Readonly<Record<string, string | undefined>> = process.env): Missing[] {
    const server = findOnPath("llama-server", env);
    return [
        {
            name: "llama-server",
            why:
                server === undefined
                    ? "it is not installed (no llama-server on the PATH)"
                    : `there are no rows against it yet (found at ${server})`,
        },
    ];
}

/** Full path of a program, or undefined. */
export function findOnPath(
    name: string,
    env: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined {
    const endings = process.platform === "win32" ? (env.PATHEXT ?? ".EXE").split(";") : [""];
    for (const folder of (env.PATH ?? env.Path ?? "").split(path.delimiter)) {
        if (folder === "") continue;
        for (const ending of endings) {
            const file = path.join(folder, name + ending);
            try {
                accessSync(file, constants.X_OK);
                return file;
            } catch {
                // Not in this folder.
            }
        }
    }
    return undefined;
}
