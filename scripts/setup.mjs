/**
 * Makes a checkout ready: packages, native addon, small model, demo repository. Idempotent and resumable, needs no
 * package of its own (it fetches them), and says in one go what the machine lacks.
 */
import {help, parseArguments} from "./setup/arguments.mjs";
import {withLock} from "./setup/lock.mjs";
import {planSteps} from "./setup/plan.mjs";
import {describeMissing, findMissing} from "./setup/prerequisites.mjs";
import {Progress} from "./setup/progress.mjs";
import {SetupError} from "./setup/setup-error.mjs";
import {steps} from "./setup/steps/index.mjs";

/** @typedef {import("./setup/plan.mjs").Step} Step */

/** The log has all of a failing program's output; this much of its end is shown. */
const nShownLines = 40;

const say = (/** @type {string} */ text) => process.stderr.write(`${text}\n`);

try {
    process.exitCode = await main(process.argv.slice(2));
} catch (error) {
    if (!(error instanceof SetupError)) throw error;
    if (error.output) say(`\n${error.output.split("\n").slice(-nShownLines).join("\n")}\n`);
    say(
        `set-up: ${error.message}${error.fix === undefined ? "" : `\n${error.fix}`}${error.log === undefined ? "" : `\nLog: ${error.log}`}`,
    );
    process.exitCode = 1;
}

/** @param {readonly string[]} argv */
async function main(argv) {
    const wanted = parseArguments(argv);
    if (wanted.help) {
        process.stdout.write(help);
        return 0;
    }
    const plan = planSteps(steps, wanted);
    if (wanted.list) {
        for (const step of plan) {
            const {state, detail} = await step.status();
            process.stdout.write(`${step.name.padEnd(16)}${state.padEnd(9)}${detail}\n`);
        }
        return 0;
    }
    if ((await pendingOf(plan)).length === 0) {
        if (!wanted.quiet) await sayReady(plan);
        return 0;
    }
    return withLock(() => bringUp(plan), {
        onWait: (pid) => say(`Waiting for another set-up (process ${pid}) to end …`),
    });
}

/** @param {readonly Step[]} plan */
async function bringUp(plan) {
    // Looked at again: another set-up may have done it while we waited for the lock.
    const pending = await pendingOf(plan);
    const missing = findMissing(/** @type {any} */ (pending.flatMap((step) => step.tools)));
    if (missing.length > 0) throw new SetupError(describeMissing(missing));
    if (pending.length > 0) say(`Kvasir set-up: ${pending.map((step) => step.title).join(", ")}`);
    const progress = new Progress();
    for (const step of plan) {
        // Asked at its turn: what came before it may have made it ready, or stale.
        if ((await step.status()).state !== "pending") continue;
        progress.start(step.title);
        try {
            progress.done(await step.run((line) => progress.report(line)));
        } catch (error) {
            progress.failed();
            throw error;
        }
    }
    await sayReady(plan);
    return 0;
}

/** @param {readonly Step[]} plan */
async function pendingOf(plan) {
    const states = await Promise.all(plan.map((step) => step.status()));
    return plan.filter((_, i) => states[i]?.state === "pending");
}

/** @param {readonly Step[]} plan */
async function sayReady(plan) {
    /** @type {string[]} */
    const ready = [];
    for (const step of plan) {
        const {state, detail} = await step.status();
        if (state === "skipped") say(`  – ${step.title}: skipped, ${detail}`);
        else ready.push(step.title);
    }
    say(`Ready: ${ready.join(", ")}.`);
}
