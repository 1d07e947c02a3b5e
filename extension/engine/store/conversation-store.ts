/**
 * Conversations on disk. Their text is the truth (segments of turns are only a cache), so a turn that
 * was acknowledged is synced to the disk. Every save is a new file `ID.REVISION.json`, created only if it
 * does not exist yet: of two processes that change one conversation the file system lets one win, and
 * no lock can be left behind. The revision before is kept as a second copy.
 */
import {randomUUID} from "node:crypto";
import {KvasirError, isKvasirError} from "../../protocol/errors.js";
import {type Conversation, type DecodedConversation, recoverConversation, type Turn} from "./conversation-file.js";
import {ConversationFolder} from "./conversation-folder.js";
import {contentHash} from "./identity.js";

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

/** More saves than this cannot come between a save and its own check. */
const maxLineage = 64;
/** Another process may publish while we look: look again, but not for ever. */
const maxTries = 50;

export class ConversationStore {
    readonly #files: ConversationFolder;
    readonly #onDamage: ((damage: ConversationDamage) => void) | undefined;

    constructor(folder: string, options: {onDamage?: ((damage: ConversationDamage) => void) | undefined} = {}) {
        this.#files = new ConversationFolder(folder);
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
            const revision = (await this.#files.revisions(id)).at(-1);
            if (revision === undefined) return undefined;
            const decoded = await this.#files.read(id, revision);
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
        if (!(await this.#files.publish(next))) throw this.#conflict(conversation.name);
        const revisions = await this.#files.revisions(next.id);
        const isLast = revisions.at(-1) === next.revision;
        if (isLast && revisions.includes(conversation.revision)) {
            const old = revisions.filter((revision) => revision < conversation.revision);
            await this.#files.remove(next.id, old).catch(() => undefined);
            return next;
        }
        // Either others were quick and built on ours, or what we loaded was old and its successor's number free again.
        const last = isLast ? undefined : await this.load(next.id);
        if (last?.lineage.includes(save)) return next;
        await this.#files.remove(next.id, [next.revision]).catch(() => undefined);
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
        for (;;) {
            const revisions = await this.#files.revisions(id);
            if (revisions.length === 0) break;
            await this.#files.remove(id, revisions);
            nDeleted += revisions.length;
        }
        await this.#files.removeDamaged(id);
        return nDeleted > 0;
    }

    /** All conversations, the last changed first. Mends damaged ones on the way. */
    async list(): Promise<ConversationSummary[]> {
        const summaries: ConversationSummary[] = [];
        for (const id of await this.#files.ids()) {
            const conversation = await this.load(id).catch((error: unknown) => {
                // One that a newer version wrote is not for us, and no reason to hide the others.
                if (isKvasirError(error, "usage")) return undefined;
                throw error;
            });
            if (conversation === undefined) continue;
            const {name, turns, createdAtMs, updatedAtMs} = conversation;
            summaries.push({id, name, nTurns: turns.length, createdAtMs, updatedAtMs});
        }
        return summaries.sort((a, b) => b.updatedAtMs - a.updatedAtMs);
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
        if ((await this.#files.revisions(id)).length > 0) return undefined;
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
        return (await this.#files.publish(conversation)) ? conversation : undefined;
    }

    async #recover(
        id: string,
        revision: number,
        damaged: DecodedConversation,
    ): Promise<Conversation | undefined | "look-again"> {
        const earlier = (await this.#files.revisions(id)).filter((other) => other < revision).at(-1);
        const before = earlier === undefined ? undefined : await this.#files.read(id, earlier);
        const recovered = recoverConversation(damaged, before, {id, revision: revision + 1, nowMs: Date.now()});
        if (recovered !== undefined) {
            try {
                if (!(await this.#files.publish(recovered))) return "look-again";
            } catch (error) {
                if (!isKvasirError(error)) throw error;
                // A read-only or full disk: shown from memory, and mended when it can be.
                return {...recovered, revision};
            }
        }
        try {
            const aside = await this.#files.setAside(id, revision);
            if (aside !== undefined) this.#onDamage?.({id, path: aside, isRecovered: recovered !== undefined});
        } catch (error) {
            if (recovered === undefined) throw error;
        }
        return recovered ?? "look-again";
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
