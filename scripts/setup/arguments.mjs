/** The arguments of the set-up program, as data. */
import {SetupError} from "./setup-error.mjs";

export const help = `usage: npm run setup -- [options]

  --only a,b   only these steps (and the steps they need)
  --browser    also what the tests in a real browser need (Debian packages)
  --quiet      say nothing when there is nothing to do
  --list       the steps and whether they are done
  --help       this text
`;

/**
 * @typedef {{only: string[] | undefined, browser: boolean, quiet: boolean, list: boolean, help: boolean}} SetupArguments
 */

/**
 * @param {readonly string[]} argv
 * @returns {SetupArguments}
 */
export function parseArguments(argv) {
    /** @type {SetupArguments} */
    const parsed = {only: undefined, browser: false, quiet: false, list: false, help: false};
    const rest = [...argv];
    for (let flag = rest.shift(); flag !== undefined; flag = rest.shift()) {
        const [name, inlineValue] = flag.split(/=(.*)/s, 2);
        if (name === "--only") {
            const value = inlineValue ?? rest.shift();
            const names = (value ?? "")
                .split(",")
                .map((step) => step.trim())
                .filter((step) => step !== "");
            if (names.length === 0) throw new SetupError("--only needs names of steps.", {fix: help});
            parsed.only = [...(parsed.only ?? []), ...names];
        } else if (flag === "--browser") parsed.browser = true;
        else if (flag === "--quiet") parsed.quiet = true;
        else if (flag === "--list") parsed.list = true;
        else if (flag === "--help" || flag === "-h") parsed.help = true;
        else throw new SetupError(`unknown option ${flag}.`, {fix: help});
    }
    return parsed;
}
