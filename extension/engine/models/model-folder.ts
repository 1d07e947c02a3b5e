/** Where Kvasir keeps the models that it downloads, and which of all models the command line uses by default. */
import {readFileSync} from "node:fs";
import {mkdir} from "node:fs/promises";
import path from "node:path";
import envPaths from "env-paths";
import {z} from "zod";
import {writeFileAtomically} from "../store/write-file-atomically.js";

/** Shared by the editor and the command line: weights are too large for two copies. `KVASIR_MODELS_DIR` names another. */
export function modelFolder(env: NodeJS.ProcessEnv = process.env): string {
    const named = env.KVASIR_MODELS_DIR;
    return named === undefined || named === ""
        ? path.join(envPaths("kvasir", {suffix: ""}).data, "models")
        : path.resolve(named);
}

const choiceSchema = z.object({path: z.string()});
const choiceFile = (folder: string) => path.join(folder, "chosen.json");

/** The file that `kvasir models use` has named, which may be gone by now. */
export function chosenModel(folder: string): string | undefined {
    try {
        return choiceSchema.parse(JSON.parse(readFileSync(choiceFile(folder), "utf8"))).path;
    } catch {
        // Never chosen, or damaged: nothing is chosen.
        return undefined;
    }
}

export async function chooseModel(folder: string, file: string): Promise<void> {
    await mkdir(folder, {recursive: true});
    await writeFileAtomically(choiceFile(folder), async (handle) => {
        await handle.writeFile(JSON.stringify({path: file}));
    });
}
