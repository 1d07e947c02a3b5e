/** `npm run reliability -- NAME [--n N] [--seed S]`: runs one scenario in its full form and prints its figures as one line of JSON. */
import path from "node:path";
import {fileURLToPath} from "node:url";
import {parseArgs} from "node:util";
import {cancels} from "./cancels.js";
import {diskTroubleWith, runDiskTrouble} from "./disk-trouble.js";
import {killsWith} from "./kills.js";
import {runKillWorker} from "./kill-worker.js";
import {mutations} from "./mutations.js";
import {restart} from "./restart.js";
import type {Scenario} from "./scenario.js";
import {soakWith} from "./soak.js";
import {runWriter, writerKillsWith} from "./writer-kills.js";

const engine = path.join(import.meta.dirname, "reliability-engine.mjs");
const self = fileURLToPath(import.meta.url);

// Scenarios start programs of their own: this one, with another first word.
const [role, home, engineScript, workerSeed] = process.argv.slice(2);
if (role === "kill-worker" || role === "writer")
    // Who ends us does so with a signal that cannot be held up; others are for the scenario.
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => {});
if (role === "kill-worker") await runKillWorker(home ?? "", engineScript ?? "", Number(workerSeed));
if (role === "writer") await runWriter(home ?? "", Number(engineScript), Number(workerSeed));
if (role === "disk-trouble") await runDiskTrouble(home ?? "");

const scenarios: readonly Scenario[] = [
    mutations,
    cancels,
    restart,
    killsWith({worker: [self, "kill-worker"], engine}),
    writerKillsWith([self, "writer"]),
    soakWith({engine}),
    diskTroubleWith([self, "disk-trouble"]),
];

const {values, positionals} = parseArgs({
    allowPositionals: true,
    options: {n: {type: "string"}, seed: {type: "string"}},
});
const scenario = scenarios.find(({name}) => name === positionals[0]);
if (scenario === undefined || positionals.length > 1) {
    process.stderr.write(
        `usage: npm run reliability -- ${scenarios.map(({name}) => name).join("|")} [--n N] [--seed S]\n`,
    );
    process.exit(2);
}
const n = Number(values.n ?? scenario.defaultN);
const seed = Number(values.seed ?? 20_261_122);
const stopping = new AbortController();
for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => stopping.abort());
try {
    const figures = await scenario.run({
        n,
        seed,
        stop: stopping.signal,
        say: (line) => void process.stderr.write(`${line}\n`),
    });
    process.stdout.write(`${JSON.stringify({scenario: scenario.name, n, seed, ...figures})}\n`);
    process.exit(0);
} catch (error) {
    process.stderr.write(`${scenario.name} --n ${n} --seed ${seed}: ${(error as Error).stack}\n`);
    process.exit(1);
}
