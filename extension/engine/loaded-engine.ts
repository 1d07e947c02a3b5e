/**
 * Everything that exists while a model is loaded, in the order in which it must be made and freed: weights, context,
 * prefix, segments, sessions. Knows nothing of clients.
 */
import {freemem} from "node:os";
import path from "node:path";
import type {Token} from "node-llama-cpp";
import {filePositions} from "../core/layout/chat-layout.js";
import {kvLimitBytes} from "../core/models/advice.js";
import {policyByName} from "../core/policy/presets.js";
import type {EngineSettings, ModelInfo} from "../protocol/engine.js";
import {KvasirError} from "../protocol/errors.js";
import {calibrate} from "./kv/calibrate.js";
import {Conversation} from "./kv/conversation.js";
import {HeadProfiles, type FoundProfile} from "./kv/head-profiles.js";
import {KeptTurns} from "./kv/kept-turns.js";
import {KvContext} from "./kv/kv-context.js";
import {Library} from "./kv/library.js";
import {Prefix} from "./kv/prefix.js";
import {Reader} from "./kv/reader.js";
import {rowFields} from "./kv/row-fields.js";
import {SegmentStore} from "./kv/segment-store.js";
import {TurnStore} from "./kv/turn-store.js";
import {ChatFormat} from "./model/chat-format.js";
import {LoadedModel} from "./model/loaded-model.js";
import {FileTiers} from "./file-tiers.js";
import type {DiskStore} from "./store/disk-store.js";
import type {SegmentIdentity} from "./store/identity.js";
import type {ModelHasher} from "./store/model-hash.js";

export type Log = (level: "error" | "warn" | "info", message: string) => void;

export interface LoadOptions {
    settings: EngineSettings;
    disk: DiskStore | undefined;
    hasher: ModelHasher;
    log: Log;
    onProgress?: ((share: number) => void) | undefined;
    signal?: AbortSignal | undefined;
}

/** Conversations whose rows are kept; the least recently used one goes first. */
const maxConversations = 8;

export class LoadedEngine {
    /** Rows of conversations by name. */
    readonly #conversations = new Map<string, Conversation>();
    #found: FoundProfile | undefined;

    private constructor(
        readonly model: LoadedModel,
        readonly context: KvContext,
        readonly prefix: Prefix,
        readonly format: ChatFormat,
        readonly store: SegmentStore,
        readonly tiers: FileTiers,
        readonly library: Library,
        readonly reader: Reader,
        readonly turns: TurnStore | undefined,
        readonly settings: EngineSettings,
        private readonly profiles: HeadProfiles,
    ) {}

    /** @throws KvasirError of LoadedModel.load and KvContext.open */
    static async load({settings, disk, hasher, log, onProgress, signal}: LoadOptions): Promise<LoadedEngine> {
        const policy = policyByName(settings.policy);
        const model = await LoadedModel.load({settings, hasher, log, onProgress, signal});
        try {
            if (model.description.unsupported !== "")
                throw new KvasirError("model-unsupported", `${model.path}: ${model.description.unsupported}.`, {
                    fix: "Choose a model with plain or grouped attention and RoPE, such as Qwen2.5-Coder.",
                });
            const context = await KvContext.open({
                model,
                rowType: settings.rowType,
                nThreads: settings.threads,
                limitBytes: await limitOf(settings, model),
            });
            try {
                const format = await ChatFormat.of(model.model);
                const prefix = await Prefix.make(context, format.prefix);
                const reader = new Reader(context, prefix);
                const tiers = new FileTiers({
                    isResident: (identity) => store.isResident(identity),
                    isStored: (identity) => store.isStored(identity),
                    isRefined: (identity) => (store.generationOf(identity) ?? 0) > 0,
                });
                const onDidChange = (identity: SegmentIdentity) => tiers.changed(identity);
                const store = new SegmentStore({
                    context,
                    disk,
                    ramBytes: ramLimitOf(settings, model),
                    log,
                    onDidChange,
                });
                const tokenize = (text: string) => Uint32Array.from(model.model.tokenize(text));
                const library = new Library({
                    reader,
                    store,
                    tiers,
                    modelHash: model.hash,
                    policy,
                    budget: settings.budget,
                    placement: settings.position,
                    tokenize,
                });
                const fields = {modelHash: model.hash, placement: settings.position};
                const turns =
                    disk &&
                    new TurnStore({
                        context,
                        disk,
                        fields: await rowFields(context, prefix, fields),
                        turnBudget: settings.budget,
                        log,
                    });
                const profiles = new HeadProfiles(path.join(settings.cacheDir, "profiles"), log);
                const engine = new LoadedEngine(
                    model,
                    context,
                    prefix,
                    format,
                    store,
                    tiers,
                    library,
                    reader,
                    turns,
                    settings,
                    profiles,
                );
                await engine.findProfile();
                return engine;
            } catch (error) {
                await context.close();
                throw error;
            }
        } catch (error) {
            await model.dispose();
            throw error;
        }
    }

    get info(): ModelInfo {
        return {...this.model.info(this.#found?.origin ?? "none"), callsTools: this.format.calls !== undefined};
    }

    get profile(): FoundProfile | undefined {
        return this.#found;
    }

    /** M of the layout. */
    get filePositions(): number {
        return filePositions(this.model.description.window);
    }

    tokenize(text: string): Uint32Array {
        return Uint32Array.from(this.model.model.tokenize(text));
    }

    detokenize(tokens: readonly number[]): string {
        return this.model.model.detokenize(tokens as Token[]);
    }

    async findProfile(): Promise<void> {
        const {nLayers, nKvHeads} = this.context.cutShape;
        this.#found = await this.profiles.find({
            modelHash: this.model.hash,
            nLayers,
            nKvHeads,
        });
        this.library.profile = this.#found?.profile;
    }

    /** Measures the head profile on these pieces of files and keeps it. */
    async calibrate(
        pieces: readonly Uint32Array[],
        onBatch?: (share: number) => Promise<void> | void,
        signal?: AbortSignal,
    ): Promise<FoundProfile> {
        const profile = await calibrate(this.reader, {
            modelHash: this.model.hash,
            format: this.context.rowType,
            pieces,
            replayHeader: this.library.replayHeader,
            onBatch,
            signal,
        });
        this.#found = {profile, origin: "measured", path: await this.profiles.save(profile)};
        this.library.profile = profile;
        return this.#found;
    }

    /**
     * The rows of a conversation, or of a completion stream; made when first asked for.
     * @param storedAs under which its rows are on disk, for a conversation that may be opened again by another process
     */
    conversation(name: string, storedAs?: string): Conversation {
        let conversation = this.#conversations.get(name);
        if (conversation === undefined) {
            const {turns} = this;
            const isStored = storedAs !== undefined && turns !== undefined;
            conversation = new Conversation(
                this.context,
                this.prefix,
                {
                    placement: this.settings.position,
                    filePositions: this.filePositions,
                    window: this.model.description.window,
                    turnBudget: this.settings.budget,
                    profile: () => this.library.profile,
                },
                isStored ? new KeptTurns(turns, storedAs, this.context.nRegions) : undefined,
            );
            for (const [oldest, old] of this.#conversations) {
                if (this.#conversations.size < maxConversations) break;
                old.dispose();
                this.#conversations.delete(oldest);
            }
        }
        // The order of the map is the order of use.
        this.#conversations.delete(name);
        this.#conversations.set(name, conversation);
        return conversation;
    }

    forget(name: string): void {
        this.#conversations.get(name)?.dispose();
        this.#conversations.delete(name);
    }

    async dispose(): Promise<void> {
        for (const conversation of this.#conversations.values()) conversation.dispose();
        this.#conversations.clear();
        await this.turns?.flush();
        await this.store.close();
        this.prefix.dispose();
        await this.context.close();
        await this.model.dispose();
    }
}

/** The KV limit: what was asked for, else a share of what is free. */
async function limitOf(settings: EngineSettings, model: LoadedModel): Promise<number> {
    if (settings.kvMib !== undefined) return settings.kvMib * 2 ** 20;
    const vram = await model.vram();
    return kvLimitBytes(vram?.free ?? freemem(), vram !== undefined);
}

/** Of rows in main memory beside those on the device; none where main memory is the device's. */
function ramLimitOf(settings: EngineSettings, model: LoadedModel): number {
    if (settings.ramMib !== undefined) return settings.ramMib * 2 ** 20;
    return model.backend === "cpu" ? 0 : Math.min(8 * 2 ** 30, Math.floor(freemem() / 4));
}
