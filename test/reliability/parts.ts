/** Runs a scenario in several processes at a time, each with a seed of its own and its share of the cores. */
import {spawn} from "node:child_process";
import {availableParallelism} from "node:os";
import type {Findings, ScenarioOptions} from "./scenario.js";
import {threadsVariable} from "./small-engine.js";

/**
 * @param program arguments of Node that run the scenario
 * @returns what each has found
 * @throws Error when one of them has found a breach; the others are ended
 */
export async function runParts(
    program: readonly string[],
    {n, seed, nParallel, say, stop}: ScenarioOptions & {nParallel: number},
): Promise<Findings[]> {
    const failing = new AbortController();
    const ended = AbortSignal.any([failing.signal, ...(stop === undefined ? [] : [stop])]);
    const nThreads = Math.max(1, Math.floor(availableParallelism() / nParallel));
    const env = {[threadsVariable]: String(nThreads), ...process.env};
    return Promise.all(
        Array.from({length: nParallel}, async (_, i) => {
            const share = Math.floor(n / nParallel) + (i < n % nParallel ? 1 : 0);
            const args = [...program, "--n", String(share), "--seed", String(seed + i), "--findings"];
            const child = spawn(process.execPath, args, {stdio: ["ignore", "pipe", "pipe"], env});
            let [found, told] = ["", ""];
            child.stdout.setEncoding("utf8").on("data", (piece: string) => (found += piece));
            child.stderr.setEncoding("utf8").on("data", (piece: string) => {
                told += piece;
                say(`seed ${seed + i}: ${piece.trimEnd()}`);
            });
            // Told to end, it reports what it has done until then.
            const end = () => void child.kill("SIGTERM");
            ended.addEventListener("abort", end, {once: true});
            const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
            ended.removeEventListener("abort", end);
            if (code === 0) return JSON.parse(found) as Findings;
            failing.abort();
            throw new Error(`the part with seed ${seed + i} ended with ${code}: ${told.trimEnd()}`);
        }),
    );
}
