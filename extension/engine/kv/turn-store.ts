/**
 * Rows of turns on disk: a conversation lies there as a chain of pieces, oldest first, each naming the one before it, its
 * tokens and what they saw. Turns as text are the truth and this is a cache: a piece that is missing, damaged or of
 * another setting ends the chain, and the tokens behind it are decoded again. Knows nothing of sessions.
 */
import * as z from "zod";
import type {KeepLists} from "../../core/policy/head-rows.js";
import {isKvasirError} from "../../protocol/errors.js";
import type {NativeSegment} from "../native/native.js";
import type {DiskStore} from "../store/disk-store.js";
import type {StoredEntry} from "../store/segment-index.js";
import {
    canonicalJson,
    contentHash,
    type IdentityFields,
    segmentIdentity,
    type SegmentIdentity,
} from "../store/identity.js";
import type {KvContext} from "./kv-context.js";
import type {RowFields} from "./row-fields.js";
import {fillRows, rowsOf} from "./segment.js";

const pieceSchema = z.strictObject({
    /** Identity of the piece before; null for the first. */
    previous: z.string().nullable(),
    /** `whole`: every row, as decoded. `cut`: the best rows of turns that outgrew the window. */
    kind: z.enum(["whole", "cut"]),
    /** Position at which turns start, that of the first token. */
    turnStart: z.int().nonnegative(),
    /** What the tokens saw beside the conversation: identity and generation of segments, in their order. */
    attended: z.array(z.string()),
    tokens: z.array(z.int().nonnegative()),
    /** Which of the tokens are of prompts: [from, to). The others are of answers. One may go on in the next piece. */
    prompts: z.array(z.tuple([z.int().nonnegative(), z.int().nonnegative()])),
});

/** A stretch of a conversation: with the piece before, everything that its rows depend on. */
export type TurnPiece = z.infer<typeof pieceSchema>;

export interface TurnStoreOptions {
    context: KvContext;
    disk: DiskStore;
    fields: RowFields;
    /** Share of rows that cut turns keep. */
    turnBudget: number;
    log: (level: "error" | "warn" | "info", message: string) => void;
}

/** A piece that was found and is on the device. */
export interface LoadedPiece extends TurnPiece {
    identity: SegmentIdentity;
    /** The caller's to dispose of. */
    native: NativeSegment;
    keep: KeepLists;
}

/** Rows of turns never push rows of files out: they wait on the device until they are written only into room that is free. */
const maxFreeShare = 0.5;

/** Conversations that are looked at for what was seen lately. */
const maxLookedAt = 8;

const pathPrefix = "conversation:";

/** Under which path a conversation's pieces are listed; no file of a workspace is called that. */
export function conversationPath(name: string): string {
    return `${pathPrefix}${name}`;
}

export class TurnStore {
    readonly #options: TurnStoreOptions;
    /** Writes and removals, one after another. */
    #queue: Promise<void> = Promise.resolve();
    readonly #pending = new Set<SegmentIdentity>();

    constructor(options: TurnStoreOptions) {
        this.#options = options;
    }

    /** On disk as far as is known, or on its way there. */
    has(identity: SegmentIdentity): boolean {
        return this.#pending.has(identity) || this.#options.disk.knows(identity);
    }

    identity(name: string, piece: TurnPiece): Promise<SegmentIdentity> {
        return this.#fields(name, piece).then(segmentIdentity);
    }

    /** Whether so many whole rows may wait on the device to be written. */
    hasRoom(nTokens: number): boolean {
        const {context} = this.#options;
        const {limitBytes, usedBytes} = context.memory();
        return nTokens * context.bytesPerToken <= (limitBytes - usedBytes) * maxFreeShare;
    }

    /**
     * Loads the next piece of a conversation whose tokens begin like `tokens`.
     * @param previous identity of the piece before
     * @returns undefined when there is none that fits
     * @throws KvasirError `kv-limit`, `out-of-memory`
     */
    async next(
        name: string,
        {previous, index}: {previous: SegmentIdentity | null; index: number},
        {turnStart, tokens}: {turnStart: number; tokens: Uint32Array},
    ): Promise<LoadedPiece | undefined> {
        const candidates = this.#options.disk
            .entriesOf(conversationPath(name))
            .filter(({part}) => part.index === index)
            .sort((a, b) => b.createdAtMs - a.createdAtMs);
        for (const {identity} of candidates) {
            const piece = await this.#load(name, identity, (found) => {
                if (found.previous !== previous || found.turnStart !== turnStart) return false;
                const nSame = found.tokens.findIndex((token, i) => token !== tokens[i]);
                // Of whole rows a beginning is of use too; what was cut together stays together.
                return nSame === -1 || (found.kind === "whole" && nSame > 0);
            });
            if (piece !== undefined) return piece;
        }
        return undefined;
    }

    /** The segments on disk that the last turn of each conversation saw, the conversation that was used last first. */
    async *seenLately(): AsyncGenerator<StoredEntry[]> {
        const {disk} = this.#options;
        const newest = new Map<string, StoredEntry>();
        for (const entry of disk.entriesUnder(pathPrefix))
            if (entry.part.index >= (newest.get(entry.path)?.part.index ?? 0)) newest.set(entry.path, entry);
        for (const {identity} of [...newest.values()].slice(0, maxLookedAt)) {
            const file = await disk.get(identity);
            if (file === undefined) continue;
            await file.close();
            const attended = pieceSchema.safeParse(file.header.details).data?.attended ?? [];
            yield attended.flatMap((name) => disk.entryOf(identityOfName(name)) ?? []);
        }
    }

    /** Writes a piece in the background. That it could not be written is logged: then its tokens are decoded again one day. */
    put(name: string, index: number, piece: TurnPiece & {identity: SegmentIdentity}, rows: PieceRows): void {
        const {identity} = piece;
        this.#pending.add(identity);
        // Its turn may come late, and by then a failure would count as one that nobody handles.
        Promise.resolve(rows.native).catch(() => undefined);
        this.#later(async () => {
            try {
                const native = await rows.native;
                try {
                    await this.#write(name, index, piece, {native, keep: rows.keep});
                } finally {
                    if (rows.isOwned) native.dispose();
                }
            } finally {
                this.#pending.delete(identity);
            }
        });
    }

    /** Removes what is not in the conversation's chain any more. */
    prune(name: string, chain: ReadonlySet<SegmentIdentity>): void {
        const {disk} = this.#options;
        this.#later(async () => {
            for (const {identity} of disk.entriesOf(conversationPath(name)))
                if (!chain.has(identity)) await disk.remove(identity);
        });
    }

    /** Everything is on disk. */
    flush(): Promise<void> {
        return this.#queue;
    }

    #later(work: () => Promise<void>): void {
        this.#queue = this.#queue.then(work).catch((error: unknown) => {
            this.#options.log("warn", `rows of a conversation were not stored: ${(error as Error).message}`);
        });
    }

    /** The conversation is one of them: the same words in two of them are two pieces, so that each goes with its own. */
    async #fields(name: string, piece: TurnPiece): Promise<IdentityFields> {
        return {
            ...this.#options.fields,
            policy: {turns: piece.kind},
            headProfileHash: null,
            budget: piece.kind === "cut" ? this.#options.turnBudget : 1,
            pathHeader: conversationPath(name),
            contentHash: await contentHash(canonicalJson(piece)),
        };
    }

    async #load(
        name: string,
        identity: SegmentIdentity,
        fits: (piece: TurnPiece) => boolean,
    ): Promise<LoadedPiece | undefined> {
        const {context, disk, log} = this.#options;
        const file = await disk.get(identity);
        if (file === undefined) return undefined;
        try {
            const {details, nTokens, counts} = file.header;
            const piece = pieceSchema.safeParse(details).data;
            if (piece?.tokens.length !== nTokens || !fits(piece)) return undefined;
            // Of another model, prefix, row type or budget, or by a writer with another idea of it.
            if ((await this.identity(name, piece)) !== identity || counts.length !== context.nRegions) return undefined;
            const keep = await file.readKeepLists();
            const native = await context.withRoom(() => context.native.newSegment(Uint32Array.from(counts)));
            try {
                await fillRows(native, file.rows());
            } catch (error) {
                native.dispose();
                throw error;
            }
            return {...piece, identity, native, keep};
        } catch (error) {
            if (!isKvasirError(error, "store-corrupt")) throw error;
            log("warn", error.message);
            return undefined;
        } finally {
            await file.close();
        }
    }

    async #write(
        name: string,
        index: number,
        {identity: _identity, ...piece}: TurnPiece & {identity: SegmentIdentity},
        {native, keep}: {native: NativeSegment; keep: KeepLists},
    ): Promise<void> {
        const {shape} = this.#options.context;
        await this.#options.disk.put({
            info: {
                fields: await this.#fields(name, piece),
                workspace: "",
                path: conversationPath(name),
                part: {index, count: index + 1},
                nTokens: piece.tokens.length,
                nLayers: shape.nLayers,
                nKvHeads: shape.nKvHeads,
                rowBytes: Array.from({length: shape.nLayers}, () => shape.rowBytes * 2),
                generation: 0,
                createdAtMs: Date.now(),
                details: piece,
            },
            keepLists: keep,
            rows: () => rowsOf(native),
        });
    }
}

/** Of an attended segment: what stands before its generation. */
function identityOfName(name: string): SegmentIdentity {
    return name.slice(0, name.lastIndexOf(".")) as SegmentIdentity;
}

/** Rows of a piece that is to be written. */
export interface PieceRows {
    native: NativeSegment | Promise<NativeSegment>;
    keep: KeepLists;
    /** Whether they are freed when they are written; else they are somebody's. */
    isOwned: boolean;
}
