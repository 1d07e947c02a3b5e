/**
 * One JSON of what gpu.sh left in its folder: driver, CUDA, the outcome of the addon's tests and every speed table.
 *
 *     node test/bench/gpu/merge-results.mjs FOLDER BACKEND... > OUT.json
 */
import {spawnSync} from "node:child_process";
import {existsSync, readFileSync, readdirSync} from "node:fs";
import path from "node:path";

const [, , folder, ...backends] = process.argv;
if (folder === undefined || backends.length === 0) {
    process.stderr.write("usage: merge-results.mjs FOLDER BACKEND...\n");
    process.exit(2);
}

const oracles = Object.fromEntries(
    backends.flatMap((backend) => {
        const file = path.join(folder, `oracles-${backend}.json`);
        return existsSync(file) ? [[backend, outcomeOf(JSON.parse(readFileSync(file, "utf8")))]] : [];
    }),
);
const runs = backends.flatMap((backend) =>
    readdirSync(folder)
        .filter((name) => name.startsWith(`speed-${backend}-`) && name.endsWith(".json"))
        .sort()
        .map((name) => ({backend, ...JSON.parse(readFileSync(path.join(folder, name), "utf8"))})),
);
const report = {
    date: new Date().toISOString(),
    commit: says("git", ["rev-parse", "--short", "HEAD"]),
    gpu: says("nvidia-smi", ["--query-gpu=name", "--format=csv,noheader"]),
    driver: says("nvidia-smi", ["--query-gpu=driver_version", "--format=csv,noheader"]),
    cuda: /release ([\d.]+)/.exec(says("nvcc", ["--version"]) ?? "")?.[1] ?? null,
    oracles,
    runs,
};
process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);

/** Counts and the names of what failed, from a report in jest's form. */
function outcomeOf({numPassedTests, numFailedTests, testResults}) {
    const failed = testResults.flatMap(({assertionResults}) =>
        assertionResults.filter(({status}) => status === "failed").map(({fullName}) => fullName),
    );
    return {passed: numPassedTests, failed: numFailedTests, ...(failed.length > 0 && {failedTests: failed})};
}

/** First line of what a program prints; null when it is not here. */
function says(program, programArguments) {
    const {status, stdout} = spawnSync(program, programArguments, {encoding: "utf8"});
    return status === 0 ? (program === "nvcc" ? stdout : stdout.trim().split("\n")[0]) : null;
}
