/**
 * `npm test`: set-up, then every phase, then one last line "N passed, N failed". Ends 1 when a test failed or none ran.
 * `npm test -- --only unit,lint` runs some phases.
 */
import {spawnSync} from "node:child_process";
import path from "node:path";
import {root} from "./setup/paths.mjs";
import {phases} from "./test/phases.mjs";

const say = (/** @type {string} */ text) => process.stdout.write(`${text}\n`);

const wanted = chosenPhases(process.argv.slice(2));
if (wanted === undefined) {
    process.stderr.write(`usage: npm test [-- --only ${phases.map(({name}) => name).join(",")}]\n`);
    process.exit(2);
}

let passed = 0;
let failed = 0;
const setup = spawnSync(process.execPath, [path.join(root, "scripts/setup.mjs"), "--quiet"], {stdio: "inherit"});
if (setup.status === 0) {
    for (const phase of wanted) await runPhase(phase);
} else {
    say("set-up failed: no test can run");
    failed = 1;
}
say(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;

/** @param {import("./test/phases.mjs").Phase} phase */
async function runPhase(phase) {
    say(`\n▶ ${phase.name}`);
    const startedMs = Date.now();
    const count = await phase.run();
    if (count === undefined) {
        say(`– ${phase.name}: no tests yet`);
        return;
    }
    passed += count.passed;
    failed += count.failed;
    const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
    say(
        `${count.failed === 0 ? "✔" : "✘"} ${phase.name}: ${count.passed} passed, ${count.failed} failed (${seconds} s)`,
    );
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
