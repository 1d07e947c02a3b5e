/** Which steps run and in which order: pure, so that it can be tested without running any. */
import {SetupError} from "./setup-error.mjs";

/**
 * What a step says of itself before anything runs.
 * @typedef {{state: "done" | "pending" | "skipped", detail: string}} StepStatus
 */

/**
 * @typedef {object} Step
 * @property {string} name the name that --only takes
 * @property {string} title what is made ready
 * @property {readonly string[]} tools prerequisites that run() needs
 * @property {readonly string[]} after steps whose results it needs
 * @property {boolean} [isOptional] runs only when it is asked for
 * @property {() => Promise<StepStatus>} status quick: no process is started, nothing large is read
 * @property {(report: (line: string) => void) => Promise<string>} run answers what was made
 */

/**
 * The wanted steps with all they need, in the order of `steps` (which lists every step after what it needs).
 * @param {readonly Step[]} steps
 * @param {{only?: readonly string[] | undefined, browser?: boolean}} wanted
 * @returns {Step[]}
 */
export function planSteps(steps, {only, browser = false}) {
    const byName = new Map(steps.map((step) => [step.name, step]));
    /** @type {Set<string>} */
    const chosen = new Set();
    /** @param {string} name */
    const choose = (name) => {
        const step = byName.get(name);
        if (step === undefined) {
            throw new SetupError(`there is no step "${name}".`, {fix: `Steps: ${[...byName.keys()].join(", ")}.`});
        }
        step.after.forEach(choose);
        chosen.add(name);
    };
    (only ?? steps.filter((step) => !step.isOptional).map((step) => step.name)).forEach(choose);
    if (browser) choose("browser");
    return steps.filter((step) => chosen.has(step.name));
}
