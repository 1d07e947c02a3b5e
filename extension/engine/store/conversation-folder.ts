/**
 * The files of conversations: `ID.REVISION.json`, each written once and never changed, and the folder
 * `damaged`. Knows names, limits and errors; which revision counts is the store's business.
 */
import {mkdir, readdir, readFile, rename, rm, stat} from "node:fs/promises";
import {join} from "node:path";
import {z} from "zod";
import {KvasirError} from "../../protocol/errors.js";
import {
    type Conversation,
    type DecodedConversation,
    decodeConversation,
    encodeConversation,
} from "./conversation-file.js";
import {loadHashes} from "./load-hashes.js";
import {isMissing, storeReadError, storeWriteError} from "./store-errors.js";
import {removeDeadTemporaries, writeFileAtomically} from "./write-file-atomically.js";

const filePattern = /^([0-9a-f]{32})\.(\d{8})\.json$/;
/** Half a gigabyte is where strings end; no conversation comes near this. */
const maxFileBytes = 2 ** 26;

export class ConversationFolder {
    readonly #folder: string;
    readonly #damaged: string;

    constructor(folder: string) {
        this.#folder = folder;
        this.#damaged = join(folder, "damaged");
    }

    /** @throws KvasirError `busy`, `store-read-only` */
    async ids(): Promise<string[]> {
        await removeDeadTemporaries(this.#folder);
        return [...new Set((await this.#files()).map(({id}) => id))];
    }

    /** Revisions of a conversation, ascending. @throws KvasirError `busy`, `store-read-only` */
    async revisions(id: string): Promise<number[]> {
        const files = (await this.#files()).filter((file) => file.id === id);
        return files.map(({revision}) => revision).sort((a, b) => a - b);
    }

    /**
     * What can be read of a revision; undefined when it is gone.
     * @throws KvasirError `usage` when a newer Kvasir wrote it; `busy`, `store-read-only`
     */
    async read(id: string, revision: number): Promise<DecodedConversation | undefined> {
        const path = this.#path(id, revision);
        const unreadable = {head: undefined, turns: new Map<number, never>(), isIntact: false};
        let text: string;
        try {
            const status = await stat(path);
            if (!status.isFile() || status.size > maxFileBytes) return unreadable;
            text = await readFile(path, "utf8");
        } catch (error) {
            if (isMissing(error)) return undefined;
            throw storeReadError(path, error);
        }
        const decoded = decodeConversation(text, id, await loadHashes());
        if (decoded !== "newer") return decoded;
        throw new KvasirError("usage", `the conversation in ${path} was written by a newer version of Kvasir.`, {
            fix: "Update Kvasir to read it.",
        });
    }

    /**
     * Writes a new revision, synced to the disk.
     * @returns false when this revision exists: another process was first.
     * @throws KvasirError `usage` for turns or a name that do not fit; `disk-full`, `store-read-only`, `busy`
     */
    async publish(conversation: Conversation): Promise<boolean> {
        let text: Buffer;
        try {
            text = Buffer.from(encodeConversation(conversation, await loadHashes()));
        } catch (cause) {
            if (!(cause instanceof z.ZodError)) throw cause;
            throw new KvasirError("usage", `this cannot be saved as a conversation: ${z.prettifyError(cause)}`, {
                cause,
            });
        }
        if (text.length > maxFileBytes) {
            throw new KvasirError("usage", "the conversation is too long to be saved.", {fix: "Begin a new one."});
        }
        const path = this.#path(conversation.id, conversation.revision);
        return writeFileAtomically(path, (file) => file.writeFile(text), {isExclusive: true});
    }

    /** Deletes revisions, the oldest first: a number is free again only when all below it are gone. @throws KvasirError `store-read-only` */
    async remove(id: string, revisions: readonly number[]): Promise<void> {
        try {
            for (const revision of revisions) await rm(this.#path(id, revision), {recursive: true, force: true});
        } catch (error) {
            throw storeWriteError(this.#folder, error);
        }
    }

    /** Deletes what was set aside of a conversation. @throws KvasirError `store-read-only` */
    async removeDamaged(id: string): Promise<void> {
        const names = await readdir(this.#damaged).catch(() => []);
        try {
            for (const name of names.filter((one) => one.startsWith(`${id}.`)))
                await rm(join(this.#damaged, name), {recursive: true});
        } catch (error) {
            throw storeWriteError(this.#folder, error);
        }
    }

    /** Moves a damaged revision out of the way; it is somebody's text, so it is kept. @returns its new path, undefined when it was gone. */
    async setAside(id: string, revision: number): Promise<string | undefined> {
        const aside = join(this.#damaged, `${id}.${revision}.${Date.now()}.json`);
        try {
            await mkdir(this.#damaged, {recursive: true, mode: 0o700});
            await rename(this.#path(id, revision), aside);
            return aside;
        } catch (error) {
            if (isMissing(error)) return undefined;
            throw storeWriteError(this.#folder, error);
        }
    }

    async #files(): Promise<{id: string; revision: number}[]> {
        const names = await readdir(this.#folder).catch((error: unknown) => {
            if (isMissing(error)) return [];
            throw storeReadError(this.#folder, error);
        });
        return names.flatMap((name) => {
            const match = filePattern.exec(name);
            return match === null ? [] : [{id: match[1] as string, revision: Number(match[2])}];
        });
    }

    #path(id: string, revision: number): string {
        return join(this.#folder, `${id}.${String(revision).padStart(8, "0")}.json`);
    }
}
