/**
 * The demo: the command line at work on a real repository with the small model. Reads a part of it, asks two questions
 * over different files, and says how much quicker this run was than the first one.
 */
import {spawn} from "node:child_process";
import {mkdir, readFile, rm, writeFile} from "node:fs/promises";
import path from "node:path";
import pc from "picocolors";
import {artefacts, root} from "./setup/paths.mjs";
import {demoRepositoryFolder} from "./setup/steps/demo-repository.mjs";

/** Of its own, so that the first run is a first run whatever else was read on this machine. */
const cacheDir = path.join(artefacts, "demo-cache");
/** What the first run took, in seconds by step. */
const firstRunFile = path.join(artefacts, "demo-first-run.json");

/** Small enough for two cores, large enough that cutting and choosing matter. */
const read = [
    ...["action", "atom", "derivation", "reaction", "spy"].map((name) => `src/core/${name}.ts`),
    ...["autorun", "flow", "when"].map((name) => `src/api/${name}.ts`),
];
const questions = [
    {
        question: "What is a Reaction, and what happens when one of the observables that it depends on changes?",
        context: ["src/core/reaction.ts", "src/core/derivation.ts", "src/core/atom.ts"],
    },
    {
        question: "What does when() do, and how does it stop waiting once its predicate is true?",
        context: ["src/api/when.ts", "src/api/autorun.ts"],
    },
];
const maxTokens = 64;

try {
    process.exitCode = await demo();
} catch (error) {
    process.stderr.write(`demo: ${/** @type {Error} */ (error).message}\n`);
    process.exitCode = 1;
}

async function demo() {
    const isFirst = (await storedSegments()) === 0;
    if (isFirst) await rm(firstRunFile, {force: true});
    say(pc.bold(`Kvasir on ${path.basename(demoRepositoryFolder)}, with a model of 135 million parameters`));
    say(
        isFirst
            ? "Nothing has been read yet. The first run reads; later ones find what it read on disk."
            : "An earlier run has read these files: their segments are on disk.",
    );

    step(1, "Every file is read once, alone, and cut to the rows that matter");
    const seconds = [await kvasir(["read", ...read])];
    for (const [i, {question, context}] of questions.entries()) {
        step(
            i + 2,
            i === 0 ? "A question over some of these files" : "Another question, over other files: no new prompt",
        );
        seconds.push(await kvasir(["ask", question, "--max-tokens", String(maxTokens), "--context", ...context]));
    }

    say(`\n${rule()}`);
    say(await comparison(seconds, isFirst));
    say(pc.dim(`The small model shows how the engine works; its answers are not worth much.`));
    // The demo repository has a package.json of its own, so `npm run` would look there.
    const here = path.relative(process.cwd(), demoRepositoryFolder) || ".";
    const command = path.relative(demoRepositoryFolder, path.join(root, "scripts/kvasir.mjs"));
    say(pc.dim(`Ask your own: cd ${here} && node ${command} ask "..."`));
    return 0;
}

/**
 * Runs one command in the demo repository, its output where ours goes.
 * @param {readonly string[]} args
 * @returns {Promise<number>} seconds
 */
async function kvasir(args) {
    say(pc.cyan(`$ kvasir ${args.map(quoted).join(" ")}`) + "\n");
    const startedMs = Date.now();
    // Report and answer both belong to the demo, so both go to standard output.
    const {code} = await run(args, "inherit");
    if (code !== 0) throw new Error(`\`kvasir ${args[0]}\` ended with ${code ?? "a signal"}.`);
    return (Date.now() - startedMs) / 1000;
}

/** @returns {Promise<number>} segments that earlier runs have left */
async function storedSegments() {
    await mkdir(cacheDir, {recursive: true});
    const {code, output} = await run(["cache", "--json"], "pipe");
    if (code !== 0) throw new Error(`the store cannot be read: ${output.trim()}`);
    return JSON.parse(output).entries.length;
}

/**
 * @param {readonly string[]} args
 * @param {"inherit" | "pipe"} output
 * @returns {Promise<{code: number | null, output: string}>}
 */
function run(args, output) {
    return new Promise((resolve, reject) => {
        const child = spawn(
            process.execPath,
            [path.join(root, "scripts/kvasir.mjs"), ...args, "--cache-dir", cacheDir],
            {cwd: demoRepositoryFolder, stdio: ["ignore", output === "pipe" ? "pipe" : 1, 1]},
        );
        let text = "";
        child.stdout?.setEncoding("utf8").on("data", (piece) => (text += piece));
        child.once("error", reject);
        child.once("close", (code) => resolve({code, output: text}));
    });
}

/**
 * @param {readonly number[]} seconds of the steps
 * @param {boolean} isFirst
 */
async function comparison(seconds, isFirst) {
    const total = sum(seconds);
    if (isFirst) {
        await writeFile(firstRunFile, JSON.stringify({seconds}));
        return `This first run took ${total.toFixed(1)} s, ${seconds[0]?.toFixed(1)} s of it for reading. Run it again: nothing is read twice.`;
    }
    /** @type {{seconds: number[]} | undefined} */
    const first = await readFile(firstRunFile, "utf8").then(JSON.parse, () => undefined);
    if (first === undefined) return `This run took ${total.toFixed(1)} s.`;
    const times = (/** @type {number} */ before, /** @type {number} */ now) => (before / now).toFixed(1);
    return (
        `The first run took ${sum(first.seconds).toFixed(1)} s, this one ${total.toFixed(1)} s: ` +
        pc.green(`${times(sum(first.seconds), total)} times quicker`) +
        ` (reading alone ${times(first.seconds[0] ?? 0, seconds[0] ?? 1)} times).`
    );
}

/** @param {readonly number[]} numbers */
function sum(numbers) {
    return numbers.reduce((total, each) => total + each, 0);
}

/** @param {number} number @param {string} title */
function step(number, title) {
    say(`\n${rule()}\n${pc.bold(`${number}. ${title}`)}\n`);
}

function rule() {
    return pc.dim("─".repeat(Math.min(process.stdout.columns ?? 80, 80)));
}

/** @param {string} argument */
function quoted(argument) {
    return /^[\w./:=-]+$/.test(argument) ? argument : `"${argument}"`;
}

/** @param {string} text */
function say(text) {
    process.stdout.write(`${text}\n`);
}
