/**
 * Owns the key of the encrypted store: made when it is first needed, kept in the system's keychain by the editor, shared
 * by all windows of the user. Losing it loses nothing but time: files are read again.
 */
import {randomBytes} from "node:crypto";

/** The part of the editor's secret storage that this needs. */
export interface Secrets {
    get(name: string): PromiseLike<string | undefined>;
    store(name: string, value: string): PromiseLike<void>;
}

const secretName = "kvasir.storeKey";

export async function storeKeyOf(secrets: Secrets): Promise<string> {
    const known = await secrets.get(secretName);
    if (known !== undefined && /^[0-9a-f]{64}$/.test(known)) return known;
    const made = randomBytes(32).toString("hex");
    await secrets.store(secretName, made);
    // Of two windows that make one at the same time, the last one's is everybody's.
    return (await secrets.get(secretName)) ?? made;
}
