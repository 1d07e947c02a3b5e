/** Ends the engine process of a private runtime folder, as a test leaves it: its folder is about to be removed. */
import {readFile} from "node:fs/promises";
import path from "node:path";

/** It writes what it has first. */
const patienceMs = 5_000;

/** @param {string} runtimeFolder */
export async function endEngine(runtimeFolder) {
    const text = await readFile(path.join(runtimeFolder, "engine.json"), "utf8").catch(() => undefined);
    if (text === undefined) return;
    const {pid} = JSON.parse(text);
    for (const deadlineMs = Date.now() + patienceMs; Date.now() < deadlineMs;) {
        if (!signal(pid, "SIGTERM")) return;
        await new Promise((resolve) => setTimeout(resolve, 100));
    }
    signal(pid, "SIGKILL");
}

/**
 * @param {number} pid
 * @param {NodeJS.Signals} name
 * @returns whether there was such a process
 */
function signal(pid, name) {
    try {
        return process.kill(pid, name);
    } catch {
        return false;
    }
}
