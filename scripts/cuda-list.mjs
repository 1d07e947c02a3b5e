/**
 * `npm run cuda-list [-- --target win32-x64]`: writes into native-config/cuda.json what the registry that npm is set up with has
 * of llama.cpp for CUDA, for the node-llama-cpp of the lock. A target whose packages are not there keeps out of the list, and
 * nothing is offered on it. Fetches all of them, about half a gigabyte for each target.
 */
import {readFile, writeFile} from "node:fs/promises";
import path from "node:path";
import {parseArgs} from "node:util";
import {cudaPackagesOfTarget, lookUpCuda} from "./package/cuda-packages.mjs";
import {root} from "./setup/paths.mjs";

const {values} = parseArgs({options: {target: {type: "string"}}});
const file = path.join(root, "native-config/cuda.json");
const {packages: locked} = JSON.parse(await readFile(path.join(root, "package-lock.json"), "utf8"));
const {version} = locked["node_modules/node-llama-cpp"];
const known = JSON.parse(await readFile(file, "utf8"));
const packages = known.version === version ? known.packages : {};
for (const target of values.target === undefined ? Object.keys(cudaPackagesOfTarget) : [values.target]) {
    const found = await lookUpCuda(target, version);
    if (found === undefined) delete packages[target];
    else packages[target] = found;
    process.stdout.write(`${target}: ${found === undefined ? `${version} is not in this registry` : "listed"}\n`);
}
await writeFile(file, `${JSON.stringify({version, packages}, undefined, 2)}\n`);
