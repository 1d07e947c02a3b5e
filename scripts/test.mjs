/**
 * `npm test`: set-up, then every phase, then what failed, with what was said of it, and one last line
 * "N passed, N failed". Ends 1 when a test failed or none ran.
 * `npm test -- --only unit,lint` runs some phases.
 */
import {spawnSync} from "node:child_process";
import path from "node:path";
import {root} from "./setup/paths.mjs";
import {countCommand, sum} from "./test/count.mjs";
import {phases} from "./test/phases.mjs";

/** Of what was said of one failure. */
const nLinesShown = 15;

const say = (/** @type {string} */ text) => process.stdout.write(`${text}\n`);

const wanted = chosenPhases(process.argv.slice(2));
if (wanted === undefined) {
    process.stderr.write(`usage: npm test [-- --only ${phases.map(({name}) => name).join(",")}]\n`);
    process.exit(2);
}

let total = /** @type {import("./test/count.mjs").Count} */ ({passed: 0, failures: []});
const setup = spawnSync(process.execPath, [path.join(root, "scripts/setup.mjs"), "--quiet"], {stdio: "inherit"});
if (setup.status === 0) {
    for (const phase of wanted) total = sum(total, await runPhase(phase));
} else {
    total = countCommand("set-up", setup.status);
}
const {passed, failures} = total;
// Again and together: a build server may show the end of the output alone.
for (const {name, text} of failures) say(`\n✘ ${name}\n${text.split("\n").slice(0, nLinesShown).join("\n")}`);
say(`\n${passed} passed, ${failures.length} failed`);
process.exitCode = failures.length > 0 || passed === 0 ? 1 : 0;

/**
 * @param {import("./test/phases.mjs").Phase} phase
 * @returns {Promise<import("./test/count.mjs").Count>}
 */
async function runPhase(phase) {
    say(`\n▶ ${phase.name}`);
    const startedMs = Date.now();
    const count = await phase.run();
    if (count === undefined) {
        say(`– ${phase.name}: no tests yet`);
        return {passed: 0, failures: []};
    }
    const nFailed = count.failures.length;
    const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
    say(`${nFailed === 0 ? "✔" : "✘"} ${phase.name}: ${count.passed} passed, ${nFailed} failed (${seconds} s)`);
    return {...count, failures: count.failures.map(({name, text}) => ({name: `${phase.name}: ${name}`, text}))};
}

/**
 * @param {readonly string[]} argv
 * @returns {readonly import("./test/phases.mjs").Phase[] | undefined} undefined: wrong usage
 */
function chosenPhases(argv) {
    if (argv.length === 0) return phases;
    const names =
        argv.length === 2 && argv[0] === "--only"
            ? argv[1]
            : argv.length === 1
              ? /^--only=(.*)$/.exec(argv[0] ?? "")?.[1]
              : undefined;
    const chosen = names?.split(",").map((name) => phases.find((phase) => phase.name === name));
    return chosen?.every((phase) => phase !== undefined) ? chosen : undefined;
}
