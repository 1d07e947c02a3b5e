/**
 * Conversations on disk, in the extension's own storage: what was asked and answered outlives engine, window and crash.
 * Every save is a new file `ID.REVISION.chat`, made only if it does not exist yet, so that of two windows one wins and the
 * other merges. The revision before is kept as a second copy. Must not know the editor.
 */
import {createHash, randomUUID} from "node:crypto";
import {constants, writeFileSync, renameSync} from "node:fs";
import {copyFile, link, mkdir, open, readdir, readFile, rename, rm, stat, unlink} from "node:fs/promises";
import {join} from "node:path";
import * as z from "zod";
import {type Conversation, conversationSchema, matches, mergeConversations} from "../../core/chat/conversation.js";
import {isKvasirError, KvasirError} from "../../protocol/errors.js";

export interface ConversationSummary {
    id: string;
    name: string;
    updatedAtMs: number;
    nTurns: number;
}

const filePattern = /^([0-9a-z-]{8,64})\.(\d{8})\.chat$/;
const headSchema = z.object({
    format: z.literal("kvasir-chat"),
    version: z.literal(1),
    name: z.string(),
    updatedAtMs: z.number(),
    nTurns: z.number(),
    sum: z.string(),
});
type Head = z.infer<typeof headSchema>;
/** The head is the first line; it is well below this. */
const maxHeadBytes = 4096;
const maxFileBytes = 2 ** 28;
const maxTries = 20;
/** A deleted conversation can be brought back for a month. */
const keepDeletedMs = 30 * 24 * 3600_000;

export class ConversationFiles {
    readonly #folder: string;
    readonly #warn: (message: string, error?: unknown) => void;
    /** The revision that each conversation had when it was last loaded or saved here. */
    readonly #revisions = new Map<string, number>();
    /** Saves of one conversation go one after another. */
    readonly #queues = new Map<string, Promise<unknown>>();

    constructor(folder: string, warn: (message: string, error?: unknown) => void) {
        this.#folder = folder;
        this.#warn = warn;
    }

    /** A damaged file is moved aside and the revision before it is taken. @returns undefined when there is none */
    async load(id: string): Promise<Conversation | undefined> {
        const revisions = await this.#revisionsOf(id);
        for (const revision of revisions.reverse()) {
            const conversation = await this.#read(id, revision);
            if (conversation === undefined) continue;
            this.#revisions.set(id, revision);
            return conversation;
        }
        return undefined;
    }

    /**
     * Once it returns, the conversation is on the disk. When another window has saved it meanwhile, both are merged.
     * @returns what was saved: the conversation, or the merged one
     * @throws KvasirError `disk-full`, `store-read-only`; what was there before is then still there
     */
    save(conversation: Conversation): Promise<Conversation> {
        return this.#queue(conversation.id, () => this.#save(conversation));
    }

    /** For the moment when the window goes away and nothing can be waited for. Overwrites nothing. */
    saveNow(conversation: Conversation): void {
        const revision = (this.#revisions.get(conversation.id) ?? 0) + 1;
        const path = this.#path(conversation.id, revision);
        const part = `${path}.${randomUUID()}.part`;
        try {
            writeFileSync(part, encode(conversation), {mode: 0o600});
            renameSync(part, path);
            this.#revisions.set(conversation.id, revision);
        } catch (error) {
            this.#warn("a conversation could not be saved at the end.", error);
        }
    }

    /** The last changed first; with a search, those that hold all of its words. */
    async list(search = ""): Promise<ConversationSummary[]> {
        const newest = new Map<string, number>();
        for (const {id, revision} of await this.#files()) newest.set(id, Math.max(revision, newest.get(id) ?? 0));
        const found: ConversationSummary[] = [];
        for (const [id, revision] of newest) {
            try {
                if (search.trim() !== "") {
                    const conversation = (await this.#read(id, revision)) ?? (await this.load(id));
                    if (conversation !== undefined && matches(conversation, search.trim()))
                        found.push(summaryOf(conversation));
                    continue;
                }
                const head = await readHead(this.#path(id, revision));
                if (head !== undefined)
                    found.push({id, name: head.name, updatedAtMs: head.updatedAtMs, nTurns: head.nTurns});
                else {
                    const conversation = await this.load(id);
                    if (conversation !== undefined) found.push(summaryOf(conversation));
                }
            } catch (error) {
                this.#warn(`the conversation ${id} could not be read.`, error);
            }
        }
        return found.sort((a, b) => b.updatedAtMs - a.updatedAtMs);
    }

    /** It can be brought back by `restore`. @returns whether there was one */
    delete(id: string): Promise<boolean> {
        return this.#queue(id, async () => {
            const revisions = await this.#revisionsOf(id);
            if (revisions.length === 0) return false;
            await mkdir(this.#deleted, {recursive: true, mode: 0o700});
            try {
                // The newest last: until it is gone, the conversation is still there.
                for (const revision of revisions) {
                    await rename(this.#path(id, revision), join(this.#deleted, fileName(id, revision)));
                }
            } catch (error) {
                throw toStoreError(this.#folder, error);
            }
            this.#revisions.delete(id);
            void this.#forgetOld().catch((error: unknown) =>
                this.#warn("old conversations could not be removed.", error),
            );
            return true;
        });
    }

    restore(id: string): Promise<Conversation | undefined> {
        return this.#queue(id, async () => {
            const deleted = (await names(this.#deleted)).filter((name) => filePattern.exec(name)?.[1] === id).sort();
            try {
                for (const name of deleted) await rename(join(this.#deleted, name), join(this.#folder, name));
            } catch (error) {
                throw toStoreError(this.#folder, error);
            }
            return this.load(id);
        });
    }

    /** Ends when nothing is being written any more. */
    async settled(): Promise<void> {
        await Promise.allSettled(this.#queues.values());
    }

    get #deleted(): string {
        return join(this.#folder, "deleted");
    }

    async #save(wanted: Conversation): Promise<Conversation> {
        let conversation = wanted;
        for (let attempt = 0; attempt < maxTries; attempt++) {
            const last = (await this.#revisionsOf(wanted.id)).at(-1);
            const loaded = this.#revisions.get(wanted.id);
            if (last !== undefined && last !== loaded) {
                const theirs = await this.load(wanted.id);
                if (theirs !== undefined) conversation = mergeConversations(conversation, theirs);
            }
            const revision = (last ?? loaded ?? 0) + 1;
            if (!(await this.#publish(conversation, revision))) continue;
            this.#revisions.set(wanted.id, revision);
            for (const old of (await this.#revisionsOf(wanted.id)).filter((other) => other < revision - 1)) {
                await rm(this.#path(wanted.id, old), {force: true}).catch(() => undefined);
            }
            return conversation;
        }
        throw new KvasirError("busy", "other windows are changing this conversation all the time.");
    }

    /** False when the revision is there already. */
    async #publish(conversation: Conversation, revision: number): Promise<boolean> {
        const path = this.#path(conversation.id, revision);
        const part = `${path}.${randomUUID()}.part`;
        try {
            await mkdir(this.#folder, {recursive: true, mode: 0o700});
            const file = await open(part, "wx", 0o600);
            try {
                await file.writeFile(encode(conversation));
                await file.sync();
            } finally {
                await file.close();
            }
            return await publishExclusively(part, path);
        } catch (error) {
            throw toStoreError(this.#folder, error);
        } finally {
            await unlink(part).catch(() => undefined);
        }
    }

    /** undefined when it is gone or damaged; a damaged one is moved aside. */
    async #read(id: string, revision: number): Promise<Conversation | undefined> {
        const path = this.#path(id, revision);
        let text: string;
        try {
            if ((await stat(path)).size > maxFileBytes) throw new Error("the file is too large.");
            text = await readFile(path, "utf8");
        } catch (error) {
            if (codeOf(error) === "ENOENT") return undefined;
            throw toStoreError(this.#folder, error);
        }
        try {
            const conversation = decode(text);
            if (conversation.id !== id) throw new Error("it is another conversation.");
            return conversation;
        } catch (error) {
            this.#warn(`the conversation file ${path} is damaged; the one before it is taken.`, error);
            const damaged = join(this.#folder, "damaged");
            await mkdir(damaged, {recursive: true, mode: 0o700}).catch(() => undefined);
            await rename(path, join(damaged, `${fileName(id, revision)}.${Date.now()}`)).catch(() => undefined);
            return undefined;
        }
    }

    /** Ascending. */
    async #revisionsOf(id: string): Promise<number[]> {
        const files = (await this.#files()).filter((file) => file.id === id);
        return files.map(({revision}) => revision).sort((a, b) => a - b);
    }

    async #files(): Promise<{id: string; revision: number}[]> {
        return (await names(this.#folder)).flatMap((name) => {
            const match = filePattern.exec(name);
            return match === null ? [] : [{id: match[1] as string, revision: Number(match[2])}];
        });
    }

    async #forgetOld(): Promise<void> {
        for (const name of await names(this.#deleted)) {
            const path = join(this.#deleted, name);
            if (Date.now() - (await stat(path)).ctimeMs > keepDeletedMs) await rm(path, {force: true});
        }
    }

    async #queue<T>(id: string, work: () => Promise<T>): Promise<T> {
        const before = this.#queues.get(id) ?? Promise.resolve();
        const next = before.then(work, work);
        this.#queues.set(id, next);
        try {
            return await next;
        } finally {
            if (this.#queues.get(id) === next) this.#queues.delete(id);
        }
    }

    #path(id: string, revision: number): string {
        return join(this.#folder, fileName(id, revision));
    }
}

function fileName(id: string, revision: number): string {
    return `${id}.${String(revision).padStart(8, "0")}.chat`;
}

function encode(conversation: Conversation): string {
    const body = JSON.stringify(conversation);
    const head: Head = {format: "kvasir-chat", version: 1, ...summaryOf(conversation), sum: sumOf(body)};
    return `${JSON.stringify(head)}\n${body}\n`;
}

function decode(text: string): Conversation {
    const [first = "", body = ""] = text.split("\n", 2);
    const head = headSchema.parse(JSON.parse(first));
    if (head.sum !== sumOf(body)) throw new Error("its check sum is wrong.");
    return conversationSchema.parse(JSON.parse(body));
}

function sumOf(body: string): string {
    return createHash("sha256").update(body).digest("hex").slice(0, 32);
}

function summaryOf({id, name, updatedAtMs, turns}: Conversation): ConversationSummary {
    return {id, name, updatedAtMs, nTurns: turns.length};
}

async function readHead(path: string): Promise<Head | undefined> {
    const file = await open(path).catch(() => undefined);
    if (file === undefined) return undefined;
    try {
        const {buffer, bytesRead} = await file.read(Buffer.alloc(maxHeadBytes), 0, maxHeadBytes, 0);
        const text = buffer.subarray(0, bytesRead).toString("utf8");
        const parsed = headSchema.safeParse(JSON.parse(text.slice(0, text.indexOf("\n"))));
        return parsed.data;
    } catch {
        return undefined;
    } finally {
        await file.close();
    }
}

/** A hard link fails where the name is taken; where there are no hard links, an exclusive copy does. */
async function publishExclusively(from: string, to: string): Promise<boolean> {
    try {
        await link(from, to);
        return true;
    } catch (error) {
        if (codeOf(error) === "EEXIST") return false;
    }
    try {
        await copyFile(from, to, constants.COPYFILE_EXCL);
        return true;
    } catch (error) {
        if (codeOf(error) === "EEXIST") return false;
        throw error;
    }
}

async function names(folder: string): Promise<string[]> {
    try {
        return await readdir(folder);
    } catch (error) {
        if (codeOf(error) === "ENOENT") return [];
        throw toStoreError(folder, error);
    }
}

function codeOf(error: unknown): string | undefined {
    return error instanceof Error && "code" in error ? String(error.code) : undefined;
}

function toStoreError(folder: string, error: unknown): unknown {
    if (isKvasirError(error)) return error;
    const code = codeOf(error);
    const fix = "Until then the conversation is kept in this window, and saved as soon as that works.";
    if (code === "ENOSPC" || code === "EDQUOT") {
        return new KvasirError("disk-full", `the disk is full: ${folder} could not be written.`, {
            fix: `Free some space. ${fix}`,
            cause: error,
        });
    }
    if (code === "EROFS" || code === "EACCES" || code === "EPERM" || code === "ENOTDIR" || code === "EEXIST") {
        return new KvasirError("store-read-only", `the folder of the conversations, ${folder}, cannot be written.`, {
            fix: `Make it writable. ${fix}`,
            cause: error,
        });
    }
    return error;
}
