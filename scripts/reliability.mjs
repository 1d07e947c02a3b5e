/** Bundles the reliability scenarios and the engine process that they start, as both are shipped, and runs one of them. */
import {spawnSync} from "node:child_process";
import path from "node:path";
import {buildReliability} from "./test/reliability-programs.mjs";

const {scenarios} = await buildReliability();
// The scenario ends by itself when it is told to, and says what it has found until then.
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => {});
const {status} = spawnSync(process.execPath, [scenarios, ...process.argv.slice(2)], {
    stdio: "inherit",
    cwd: path.dirname(scenarios),
});
process.exitCode = status ?? 1;
