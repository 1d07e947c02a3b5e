/** Programs that people use instead: which of them are on this machine. Starts none of them. */
import {accessSync, constants} from "node:fs";
import path from "node:path";
import {KvasirError} from "../../protocol/errors.js";
import {packageRoot} from "../package-root.js";

type Environment = Readonly<Record<string, string | undefined>>;

export const plainName = "plain llama.cpp";
export const serverName = "llama-server";
export const chatSessionName = "node-llama-cpp's chat session";

/**
 * llama-server: the one that `npm run bench:peers` builds from the same sources, else whichever is on the PATH.
 * @param backend that computes; the CPU's program cannot serve a GPU
 * @throws KvasirError `file-missing`
 */
export function findLlamaServer(
    backend: string,
    {root = packageRoot(), env = process.env}: {root?: string; env?: Environment} = {},
): string {
    const folder = path.join(root, ".kvasir/peers", backend === "cpu" ? "llama-server" : `llama-server-${backend}`);
    const found = findProgram("llama-server", [folder, ...foldersOnPath(env)], env);
    if (found !== undefined) return found;
    throw new KvasirError("file-missing", "llama-server is not installed.", {
        fix: `Build it with \`npm run bench:peers${backend === "cpu" ? "" : ` -- --gpu ${backend}`}\`, or put one on the PATH.`,
    });
}

/** Full path of a program, or undefined. */
export function findOnPath(name: string, env: Environment = process.env): string | undefined {
    return findProgram(name, foldersOnPath(env), env);
}

function foldersOnPath(env: Environment): string[] {
    return (env.PATH ?? env.Path ?? "").split(path.delimiter).filter((folder) => folder !== "");
}

function findProgram(name: string, folders: readonly string[], env: Environment): string | undefined {
    const endings = process.platform === "win32" ? (env.PATHEXT ?? ".EXE").split(";") : [""];
    for (const folder of folders) {
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
