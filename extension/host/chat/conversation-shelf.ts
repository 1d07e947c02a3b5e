/**
 * The conversations that are in use: their newest state in memory, and the saving of it. What cannot be saved stays here,
 * is said, and is tried again, so that a full disk loses nothing. Must not know the editor.
 */
import {type Conversation} from "../../core/chat/conversation.js";
import {errorView} from "../../core/chat/error-help.js";
import {toKvasirError} from "../../protocol/errors.js";
import type {ErrorView} from "../../protocol/webview/chat.js";
import type {ConversationFiles} from "./conversation-files.js";

export interface ShelfParts {
    files: Pick<ConversationFiles, "load" | "save" | "saveNow">;
    warn(message: string, error?: unknown): void;
    /** Runs after `ms`; answers its end. */
    later(ms: number, run: () => void): () => void;
    /** Saving fails, or works again. */
    onUnsaved(error: ErrorView | undefined): void;
    /** Another window has written too, and both are one now. */
    onMerged(conversation: Conversation): void;
}

const retryMs = 15_000;

export class ConversationShelf {
    readonly #parts: ShelfParts;
    readonly #open = new Map<string, Conversation>();
    /** Conversations whose last state is not on the disk. */
    readonly #dirty = new Set<string>();
    #error: ErrorView | undefined;
    #endRetry: (() => void) | undefined;

    constructor(parts: ShelfParts) {
        this.#parts = parts;
    }

    /** Why conversations are not saved, while they are not. */
    get error(): ErrorView | undefined {
        return this.#error;
    }

    get(id: string): Conversation | undefined {
        return this.#open.get(id);
    }

    /** From memory, else from the disk. */
    async load(id: string): Promise<Conversation | undefined> {
        const open = this.#open.get(id);
        if (open !== undefined) return open;
        const loaded = await this.#parts.files.load(id);
        // Somebody else may have taken it down meanwhile.
        if (loaded !== undefined && !this.#open.has(id)) this.#open.set(id, loaded);
        return this.#open.get(id);
    }

    put(conversation: Conversation): void {
        if (this.#open.get(conversation.id) === conversation) return;
        this.#open.set(conversation.id, conversation);
        this.#dirty.add(conversation.id);
    }

    /** Never throws. */
    async save(id: string): Promise<void> {
        const conversation = this.#open.get(id);
        if (conversation === undefined || !this.#dirty.has(id)) return;
        try {
            const saved = await this.#parts.files.save(conversation);
            if (this.#open.get(id) === conversation) {
                this.#dirty.delete(id);
                this.#open.set(id, saved);
                if (saved !== conversation) this.#parts.onMerged(saved);
            }
            this.#setError(undefined);
        } catch (error) {
            this.#parts.warn("a conversation could not be saved.", error);
            this.#setError(errorView(toKvasirError(error).toJSON()));
            this.#endRetry ??= this.#parts.later(retryMs, () => {
                this.#endRetry = undefined;
                for (const unsaved of [...this.#dirty]) void this.save(unsaved);
            });
        }
    }

    /** Takes a conversation out of memory, saved or not. */
    drop(id: string): void {
        this.#open.delete(id);
        this.#dirty.delete(id);
    }

    /** Leaves only what is wanted, and what would be lost. */
    tidy(isWanted: (id: string) => boolean): void {
        for (const [id, conversation] of [...this.#open]) {
            const isLost = this.#dirty.has(id) && isWorthKeeping(conversation);
            if (!isLost && !isWanted(id)) this.drop(id);
        }
    }

    /** Writes what is not on the disk yet, at once: the window goes away. */
    dispose(): void {
        this.#endRetry?.();
        for (const id of this.#dirty) {
            const conversation = this.#open.get(id);
            if (conversation !== undefined && isWorthKeeping(conversation)) this.#parts.files.saveNow(conversation);
        }
    }

    #setError(error: ErrorView | undefined): void {
        if (this.#error?.code === error?.code) return;
        this.#error = error;
        this.#parts.onUnsaved(error);
    }
}

/** What was never asked and holds no words needs no file. */
export function isWorthKeeping({turns, draft, branches}: Conversation): boolean {
    return turns.length > 0 || branches.length > 0 || draft.trim() !== "";
}
