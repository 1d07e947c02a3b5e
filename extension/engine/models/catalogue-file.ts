/** Reads the catalogue that Kvasir comes with. */
import {readFile} from "node:fs/promises";
import path from "node:path";
import {fileURLToPath} from "node:url";
import {type Catalogue, catalogue} from "../../protocol/models.js";

/** @throws when it is not there or has a wrong form: it is part of Kvasir, so that is a bug */
export async function readCatalogue(): Promise<Catalogue> {
    const here = path.dirname(fileURLToPath(import.meta.url));
    let failure: unknown;
    // Beside the bundle when installed, in the sources when not.
    for (const up of ["..", "../../.."]) {
        try {
            return catalogue.parse(
                JSON.parse(await readFile(path.resolve(here, up, "native-config/models.json"), "utf8")),
            );
        } catch (error) {
            failure ??= error;
            if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
        }
    }
    throw failure;
}
