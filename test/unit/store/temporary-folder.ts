import {mkdtemp, rm} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {onTestFinished} from "vitest";

/** A fresh folder that is deleted when the test has ended. */
export async function temporaryFolder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), "kvasir-store-"));
    onTestFinished(() => rm(folder, {recursive: true, force: true, maxRetries: 5, retryDelay: 100}));
    return folder;
}
