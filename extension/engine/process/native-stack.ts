/**
 * Owns the last words of an engine that died in native code: a file beside the endpoint, made when the engine begins and
 * written by the addon's signal handler, in which the next engine finds signal and stack. Holds library and function
 * names, nothing of the user's.
 */
import {readdirSync, readFileSync, rmSync, statSync} from "node:fs";
import path from "node:path";
import {loadedAddonFile} from "../native/addon.js";

const filePattern = /^native-stack-(\d+)\.txt$/;
/** Of a stack; the handler writes less. */
const maxChars = 16_000;

function stackFileOf(folder: string, pid: number): string {
    return path.join(folder, `native-stack-${pid}.txt`);
}

/** From now on a native crash of this process leaves its stack. Without an addon there is no native code of ours to crash. */
export function keepNativeStack(folder: string): void {
    try {
        loadedAddonFile().reportCrashes(stackFileOf(folder, process.pid));
    } catch {
        // What is wrong with the addon is told by whoever needs it.
    }
}

/** This process ends in order. */
export function dropNativeStack(folder: string): void {
    rmSync(stackFileOf(folder, process.pid), {force: true});
}

/** Signal and stack, a line each, of the engine that crashed last, if one did since the last look; the files are removed. */
export function takeNativeStack(folder: string): string | undefined {
    let newest: {text: string; writtenMs: number} | undefined;
    for (const name of readdirSync(folder)) {
        const pid = Number(filePattern.exec(name)?.[1]);
        if (!(pid > 0) || isAlive(pid)) continue;
        const file = path.join(folder, name);
        try {
            const writtenMs = statSync(file).mtimeMs;
            const text = readFileSync(file, "utf8").slice(0, maxChars).trim();
            if (text !== "" && writtenMs > (newest?.writtenMs ?? 0)) newest = {text, writtenMs};
            rmSync(file, {force: true});
        } catch {
            // Another engine that starts at the same moment has taken it.
        }
    }
    return newest?.text;
}

function isAlive(pid: number): boolean {
    try {
        process.kill(pid, 0);
        return true;
    } catch (error) {
        return (error as NodeJS.ErrnoException).code === "EPERM";
    }
}
