/** An engine process like the real one, with an engine without a model. Prints its engine's calls, a line each. */
import {parseArgs} from "node:util";
import {startEngineProcess} from "../../../../extension/engine/process/engine-process.js";
import {createScriptedEngine} from "../scripted-engine.js";

const {values} = parseArgs({
    options: {folder: {type: "string"}, version: {type: "string"}, "idle-ms": {type: "string"}},
});
const running = await startEngineProcess({
    folder: values.folder ?? "",
    version: values.version ?? "",
    idleMs: Number(values["idle-ms"]),
    createEngine: async () => createScriptedEngine(),
    log: (line) => process.stderr.write(`${new Date().toISOString()} ${line}\n`),
});
await running?.ended;
process.exit(0);
