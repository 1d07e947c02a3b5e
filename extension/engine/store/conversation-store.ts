/**
 * Conversations on disk. Their text is the truth (segments of turns are only a cache), so a turn that
 * was acknowledged is synced to the disk. Every save is a new file `ID.REVISION.json`, created only if it
 * does not exist yet: of two processes that change one conversation the file system lets one win, and
 * no lock can be left behind. The revision before is kept as a second copy.
 */
import {randomUUID} from "node:crypto";
import {mkdir, readdir, readFile, rename, rm, stat} from "node:fs/promises";
import {join} from "node:path";
import {z} from "zod";
import {KvasirError, isKvasirError} from "../../protocol/errors.js";
import {
    type Conversation,
    type DecodedConversation,
    decodeConversation,
    encodeConversation,
    recoverConversation,
    type Turn,
} from "./conversation-file.js";
import {contentHash} from "./identity.js";
import {loadHashes} from "./load-hashes.js";
import {isMissing, storeReadError, storeWriteError} from "./store-errors.js";
import {removeDeadTemporaries, writeFileAtomically} from "./write-file-atomically.js";

export interface ConversationSummary {
    id: string;
    name: string;
    nTurns: number;
    createdAtMs: number;
    updatedAtMs: number;
}

export interface ConversationDamage {
    id: string;
    /** Where the damaged file is now. */
    path: string;
    /** False when not even a name was left. */
    isRecovered: boolean;
}

const filePattern = /^([0-9a-f]{32})\.(\d{8})\.json$/;
const idPattern = /^[0-9a-f]{32}$/;
/** Half a gigabyte is where strings end; no conversation comes near this. */
const maxFileBytes = 2 ** 26;
/** More saves than this cannot come between a save and its own check. */
const maxLineage = 64;
/** Another process may publish while we look: look again, but not for ever. */
const maxTries = 50;

export class ConversationStore {
    readonly #folder: string;
    readonly #onDamage: ((damage: ConversationDamage) => void) | undefined;

    constructor(folder: string, options: {onDamage?: ((damage: ConversationDamage) => void) | undefined} = {}) {
        this.#folder = folder;
        this.#onDamage = options.onDamage;
    }

    /** @throws KvasirError `usage` for an empty or overlong name; `disk-full`, `store-read-only`, `busy` */
    async create(name: string, turns: readonly Turn[] = []): Promise<Conversation> {
        const created = await this.#createAs(randomUUID().replaceAll("-", ""), name, turns);
        if (created === undefined) throw new Error("a random id was taken");
        return created;
    }

    /** The conversation of that name (the last one changed, if there are several), or a new one: for `--session NAME`. */
    async openNamed(name: string): Promise<Conversation> {
        const isNamed = (conversation: {name: string}): boolean => conversation.name === name;
        const known = (await this.list()).find(isNamed);
        const found = known && (await this.load(known.id));
        if (found !== undefined) return found;
        // An id that follows from the name, so that two processes which begin it at once begin the same one.
        const id = (await contentHash(`kvasir session\n${name}`)).slice(0, 32);
        const created = (await this.#createAs(id, name, [])) ?? (await this.load(id));
        return created !== undefined && isNamed(created) ? created : this.create(name);
    }

    /**
     * The last revision. A damaged file is moved to the folder `damaged`, and what could be saved of it is
     * the new last revision, with `recovered` set.
     * @returns undefined when there is none, or nothing of it could be saved.
     * @throws KvasirError `busy`, `store-read-only` when it could not be read at all
     */
    async load(id: string): Promise<Conversation | undefined> {
        for (let attempt = 0; attempt < maxTries; attempt++) {
            const revision = (await this.#revisions(id)).at(-1);
            if (revision === undefined) return undefined;
            const decoded = await this.#read(id, revision);
            // Replaced since we looked.
            if (decoded === undefined) continue;
            if (decoded.isIntact && decoded.head?.revision === revision) return toConversation(decoded);
            const recovered = await this.#recover(id, revision, decoded);
            if (recovered !== "look-again") return recovered;
        }
        throw this.#conflict(id);
    }

    /**
     * Saves the conversation as the next revision; once it returns, the turns are on the disk.
     * @returns the conversation with its new revision, for the next save.
     * @throws KvasirError `busy` when another process has changed it since it was loaded; `file-missing` when it
     * has been deleted; `usage` for turns that do not fit; `disk-full`, `store-read-only`. The revision before is then still there.
     */
    async save(conversation: Conversation): Promise<Conversation> {
        const save = randomUUID();
        const lineage = [...conversation.lineage, save].slice(-maxLineage);
        const next = {...conversation, revision: conversation.revision + 1, lineage, updatedAtMs: Date.now()};
        if (!(await this.#publish(next))) throw this.#conflict(conversation.name);
        const revisions = await this.#revisions(next.id);
        const isLast = revisions.at(-1) === next.revision;
        if (isLast && revisions.includes(conversation.revision)) {
            // Oldest first, here and in `delete`: a number is free again only when all below it are gone.
            for (const revision of revisions.filter((other) => other < conversation.revision)) {
                await rm(this.#path(next.id, revision), {force: true}).catch(() => undefined);
            }
            return next;
        }
        // Either others were quick and built on ours, or what we loaded was old and its successor's number free again.
        const last = isLast ? undefined : await this.load(next.id);
        if (last?.lineage.includes(save)) return next;
        await rm(this.#path(next.id, next.revision), {force: true}).catch(() => undefined);
        throw last === undefined ? missing(conversation.name) : this.#conflict(conversation.name);
    }

    /**
     * Adds turns at the end, whoever else adds some at the same time. A turn whose id is there already is not added again.
     * @throws KvasirError as `save`, `busy` only after many tries
     */
    async append(id: string, turns: readonly Turn[]): Promise<Conversation> {
        return this.#change(id, (conversation) => {
            const known = new Set(conversation.turns.map((turn) => turn.id));
            return {...conversation, turns: [...conversation.turns, ...turns.filter((turn) => !known.has(turn.id))]};
        });
    }

    /** @throws KvasirError as `save` */
    async rename(id: string, name: string): Promise<Conversation> {
        return this.#change(id, (conversation) => ({...conversation, name}));
    }

    /** Deletes every revision, and damaged copies too. @returns false when there was none. @throws KvasirError `store-read-only` */
    async delete(id: string): Promise<boolean> {
        let nDeleted = 0;
        try {
            for (
                let revisions = await this.#revisions(id);
                revisions.length > 0;
                revisions = await this.#revisions(id)
            ) {
                for (const revision of revisions) await rm(this.#path(id, revision), {recursive: true, force: true});
                nDeleted += revisions.length;
            }
            const damaged = (await readdir(this.#damaged).catch(() => [])).filter(
                (name) => idPattern.test(id) && name.startsWith(id),
            );
            for (const name of damaged) await rm(join(this.#damaged, name), {recursive: true, force: true});
        } catch (error) {
            throw storeWriteError(this.#folder, error);
        }
        return nDeleted > 0;
    }

    /** All conversations, the last changed first. Mends damaged ones on the way. */
    async list(): Promise<ConversationSummary[]> {
        await removeDeadTemporaries(this.#folder);
        const summaries: ConversationSummary[] = [];
        for (const id of new Set((await this.#files()).map((file) => file.id))) {
            const conversation = await this.load(id);
            if (conversation === undefined) continue;
            const {name, turns, createdAtMs, updatedAtMs} = conversation;
            summaries.push({id, name, nTurns: turns.length, createdAtMs, updatedAtMs});
        }
        return summaries.sort((a, b) => b.updatedAtMs - a.updatedAtMs);
    }

    get #damaged(): string {
        return join(this.#folder, "damaged");
    }

    async #change(id: string, change: (conversation: Conversation) => Conversation): Promise<Conversation> {
        for (let attempt = 1; ; attempt++) {
            const conversation = await this.load(id);
            if (conversation === undefined) throw missing(id);
            try {
                return await this.save(change(conversation));
            } catch (error) {
                if (!isKvasirError(error, "busy") || attempt >= maxTries) throw error;
                await new Promise((resolve) => setTimeout(resolve, Math.random() * 5 * Math.min(attempt, 10)));
            }
        }
    }

    /** undefined when the id is taken. */
    async #createAs(id: string, name: string, turns: readonly Turn[]): Promise<Conversation | undefined> {
        if ((await this.#revisions(id)).length > 0) return undefined;
        const nowMs = Date.now();
        const conversation = {
            id,
            name,
            createdAtMs: nowMs,
            updatedAtMs: nowMs,
            revision: 1,
            lineage: [],
            turns: [...turns],
        };
        return (await this.#publish(conversation)) ? conversation : undefined;
    }

    async #publish(conversation: Conversation): Promise<boolean> {
        let text: Buffer;
        try {
            text = Buffer.from(encodeConversation(conversation, await loadHashes()));
        } catch (error) {
            if (!(error instanceof z.ZodError)) throw error;
            throw new KvasirError("usage", `this cannot be saved as a conversation: ${z.prettifyError(error)}`, {
                cause: error,
            });
        }
        if (text.length > maxFileBytes)
            throw new KvasirError("usage", "the conversation is too long to be saved.", {fix: "Begin a new one."});
        return writeFileAtomically(this.#path(conversation.id, conversation.revision), (file) => file.writeFile(text), {
            isExclusive: true,
        });
    }

    /** undefined when the file is gone; a file that cannot be decoded has no head and no turns. */
    async #read(id: string, revision: number): Promise<DecodedConversation | undefined> {
        const path = this.#path(id, revision);
        try {
            const status = await stat(path);
            if (!status.isFile() || status.size > maxFileBytes)
                return {head: undefined, turns: new Map(), isIntact: false};
            return decodeConversation(await readFile(path, "utf8"), id, await loadHashes());
        } catch (error) {
            if (isMissing(error)) return undefined;
            throw storeReadError(path, error);
        }
    }

    async #recover(
        id: string,
        revision: number,
        damaged: DecodedConversation,
    ): Promise<Conversation | undefined | "look-again"> {
        const earlier = (await this.#revisions(id)).filter((other) => other < revision).at(-1);
        const before = earlier === undefined ? undefined : await this.#read(id, earlier);
        const recovered = recoverConversation(damaged, before, {id, revision: revision + 1, nowMs: Date.now()});
        if (recovered !== undefined) {
            try {
                if (!(await this.#publish(recovered))) return "look-again";
            } catch (error) {
                if (!isKvasirError(error)) throw error;
                // A read-only or full disk: shown from memory, and mended when it can be.
                return {...recovered, revision};
            }
        }
        const aside = join(this.#damaged, `${id}.${revision}.${Date.now()}.json`);
        try {
            await mkdir(this.#damaged, {recursive: true, mode: 0o700});
            await rename(this.#path(id, revision), aside);
            this.#onDamage?.({id, path: aside, isRecovered: recovered !== undefined});
        } catch (error) {
            if (!isMissing(error) && recovered === undefined) throw storeWriteError(this.#folder, error);
        }
        return recovered ?? "look-again";
    }

    /** Ascending. */
    async #revisions(id: string): Promise<number[]> {
        const files = (await this.#files()).filter((file) => file.id === id);
        return files.map((file) => file.revision).sort((a, b) => a - b);
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

    #conflict(name: string): KvasirError {
        return new KvasirError("busy", `the conversation ${name} was changed by another process.`, {
            fix: "Load it again; nothing of either change is lost.",
        });
    }
}

function missing(name: string): KvasirError {
    return new KvasirError("file-missing", `there is no conversation ${name}.`, {
        fix: "It may have been deleted: begin a new one.",
    });
}

function toConversation({head, turns}: DecodedConversation): Conversation {
    const {format: _format, version: _version, nTurns, ...rest} = head as NonNullable<typeof head>;
    return {...rest, turns: Array.from({length: nTurns}, (_, index) => turns.get(index) as Turn)};
}
