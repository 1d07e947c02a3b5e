/**
 * `npm run reliability -- NAME [--n N] [--seed S] [--parallel P]`: runs one scenario in its full form, in P processes with
 * seeds S, S + 1, ... and n in all, and prints its figures as one line of JSON.
 */
import path from "node:path";
import {fileURLToPath} from "node:url";
import {parseArgs} from "node:util";
import {cancels} from "./cancels.js";
import {diskTroubleWith, runDiskTrouble} from "./disk-trouble.js";
import {killsWith} from "./kills.js";
import {runKillWorker} from "./kill-worker.js";
import {mutations} from "./mutations.js";
import {restart} from "./restart.js";
import {runParts} from "./parts.js";
import {type Scenario, figuresOf} from "./scenario.js";
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
    options: {n: {type: "string"}, seed: {type: "string"}, parallel: {type: "string"}, findings: {type: "boolean"}},
});
const scenario = scenarios.find(({name}) => name === positionals[0]);
const nParallel = Number(values.parallel ?? 1);
if (scenario === undefined || positionals.length > 1 || (nParallel > 1 && !scenario.canSplit)) {
    const names = scenarios.map(({name}) => name).join("|");
    const split = scenarios.flatMap(({name, canSplit}) => (canSplit ? [name] : [])).join(", ");
    process.stderr.write(
        `usage: npm run reliability -- ${names} [--n N] [--seed S] [--parallel P]\n--parallel: ${split}\n`,
    );
    process.exit(2);
}
const n = Number(values.n ?? scenario.defaultN);
const seed = Number(values.seed ?? 20_261_122);
const say = (line: string) => void process.stderr.write(`${line}\n`);
const stopping = new AbortController();
for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => stopping.abort());
try {
    const parts =
        nParallel > 1
            ? await runParts([self, scenario.name], {n, seed, nParallel, say, stop: stopping.signal})
            : [await scenario.run({n, seed, stop: stopping.signal, say})];
    const told = values.findings
        ? parts[0]
        : {scenario: scenario.name, n, seed, ...(nParallel > 1 ? {nParallel} : {}), ...figuresOf(scenario, parts)};
    process.stdout.write(`${JSON.stringify(told)}\n`);
    process.exit(0);
} catch (error) {
    process.stderr.write(`${scenario.name} --n ${n} --seed ${seed}: ${(error as Error).stack}\n`);
    process.exit(1);
}
