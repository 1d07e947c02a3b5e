/** Where Kvasir itself lies (not the workspace), and its version. */
import {existsSync, readFileSync} from "node:fs";
import path from "node:path";
import {fileURLToPath} from "node:url";

/** The nearest folder above this file (a source or a bundle) that holds Kvasir's package.json. */
export function packageRoot(from: string = path.dirname(fileURLToPath(import.meta.url))): string {
    for (let folder = from; ; folder = path.dirname(folder)) {
        if (nameIn(folder) === "kvasir" || path.dirname(folder) === folder) return folder;
    }
}

export function packageVersion(): string {
    return manifestIn(packageRoot())?.version ?? "unknown";
}

function nameIn(folder: string): string | undefined {
    return manifestIn(folder)?.name;
}

function manifestIn(folder: string): {name?: string; version?: string} | undefined {
    const file = path.join(folder, "package.json");
    if (!existsSync(file)) return undefined;
    return JSON.parse(readFileSync(file, "utf8")) as {name?: string; version?: string};
}
