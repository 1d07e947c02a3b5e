/**
 * `npm run test:peers`: llama-server, built from the very llama.cpp in use, as the server of a remote engine. With
 * `-- --record` what it says replaces the recordings that `npm test` replays.
 */
import {spawnSync} from "node:child_process";
import path from "node:path";
import {root} from "./setup/paths.mjs";

const wanted = process.argv.slice(2);
if (wanted.some((flag) => flag !== "--record")) {
    process.stderr.write("usage: npm run test:peers [-- --record]\n");
    process.exit(2);
}
const steps = [
    ["scripts/setup.mjs", "--quiet"],
    ["test/bench/build-llama-server.mjs"],
    ["node_modules/vitest/vitest.mjs", "run", "--project", "peers"],
];
const env = {...process.env, ...(wanted.includes("--record") ? {KVASIR_RECORD: "1"} : {})};
for (const [program = "", ...flags] of steps) {
    const {status} = spawnSync(process.execPath, [path.join(root, program), ...flags], {
        cwd: root,
        env,
        stdio: "inherit",
    });
    if (status !== 0) process.exit(status ?? 1);
}
