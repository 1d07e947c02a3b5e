/** The programs of the reliability scenarios: themselves, and an engine process like the one that is shipped. */
import path from "node:path";
import esbuild from "esbuild";
import {root} from "../setup/paths.mjs";

/** Bundled CommonJS packages call require(), which an ES module does not have. */
const banner = {
    js: 'import {createRequire as __createRequire} from "node:module"; const require = __createRequire(import.meta.url);',
};

/** Beside the other bundles, where the addon and the head profiles are found. */
export async function buildReliability() {
    const programs = {
        scenarios: path.join(root, "dist/reliability.mjs"),
        engine: path.join(root, "dist/reliability-engine.mjs"),
    };
    const entries = {scenarios: "test/reliability/main.ts", engine: "extension/engine/process/main.ts"};
    for (const name of /** @type {const} */ (["scenarios", "engine"])) {
        await esbuild.build({
            entryPoints: [path.join(root, entries[name])],
            outfile: programs[name],
            bundle: true,
            platform: "node",
            target: "node20",
            format: "esm",
            mainFields: ["module", "main"],
            external: ["node-llama-cpp", "esbuild", "vitest"],
            keepNames: true,
            sourcemap: true,
            banner,
            logLevel: "warning",
        });
    }
    return programs;
}
