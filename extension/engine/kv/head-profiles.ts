/** Finds and keeps head profiles by model hash: those shipped with Kvasir, and those measured on this machine. */
import {mkdir, readFile} from "node:fs/promises";
import path from "node:path";
import {fileURLToPath} from "node:url";
import {parseHeadProfile, serialiseHeadProfile, type HeadProfile} from "../../core/policy/head-profile.js";
import {isKvasirError} from "../../protocol/errors.js";
import {writeFileAtomically} from "../store/write-file-atomically.js";

export interface FoundProfile {
    profile: HeadProfile;
    origin: "shipped" | "measured";
    path: string;
}

export class HeadProfiles {
    /** @param folder where measured profiles are kept */
    constructor(
        private readonly folder: string,
        private readonly log: (level: "error" | "warn" | "info", message: string) => void,
    ) {}

    /** The measured profile before the shipped one: it was measured on the user's own files. */
    async find(expected: {modelHash: string; nLayers: number; nKvHeads: number}): Promise<FoundProfile | undefined> {
        const places = [
            {file: this.#measured(expected.modelHash), origin: "measured" as const},
            ...shippedFolders().map((folder) => ({
                file: path.join(folder, fileName(expected.modelHash)),
                origin: "shipped" as const,
            })),
        ];
        for (const {file, origin} of places) {
            let text: string;
            try {
                text = await readFile(file, "utf8");
            } catch {
                continue;
            }
            try {
                return {profile: parseHeadProfile(text, file, expected), origin, path: file};
            } catch (error) {
                // A damaged or foreign profile is as good as none: the next place, or a new calibration.
                if (!isKvasirError(error)) throw error;
                this.log("warn", `${file}: ${error.message}`);
            }
        }
        return undefined;
    }

    /** @returns the file it was written to */
    async save(profile: HeadProfile): Promise<string> {
        await mkdir(this.folder, {recursive: true, mode: 0o700});
        const file = this.#measured(profile.modelHash);
        await writeFileAtomically(file, async (handle) => {
            await handle.writeFile(serialiseHeadProfile(profile));
        });
        return file;
    }

    #measured(modelHash: string): string {
        return path.join(this.folder, fileName(modelHash));
    }
}

function fileName(modelHash: string): string {
    return `${modelHash.slice(0, 32)}.json`;
}

/** Beside the bundle when installed, in the sources when not. */
function shippedFolders(): string[] {
    const here = path.dirname(fileURLToPath(import.meta.url));
    return ["native-config/profiles", "../native-config/profiles", "../../../native-config/profiles"].map((relative) =>
        path.resolve(here, relative),
    );
}
