/**
 * What the rows of the bench work with: one engine as clients have it, the parts below it, the peers, and real files.
 * Everything is made when a row first asks for it and freed at the end.
 */
import {readFile} from "node:fs/promises";
import {availableParallelism, freemem} from "node:os";
import {headProfileSchema, type HeadProfile} from "../../core/policy/head-profile.js";
import {policyNeeds, type Policy} from "../../core/policy/policy.js";
import {policyByName} from "../../core/policy/presets.js";
import {batchTokens, KvContext} from "../../engine/kv/kv-context.js";
import {Prefix} from "../../engine/kv/prefix.js";
import {Reader} from "../../engine/kv/reader.js";
import {ChatFormat} from "../../engine/model/chat-format.js";
import {ChatSessionPeer} from "../../engine/model/chat-session-peer.js";
import {LoadedModel} from "../../engine/model/loaded-model.js";
import type {NativePlain, NativeSegment} from "../../engine/native/native.js";
import type {EngineApi, EngineSettings} from "../../protocol/engine.js";
import {isKvasirError, KvasirError, toKvasirError} from "../../protocol/errors.js";
import type {CommandContext} from "../command-context.js";
import {sentenceOf} from "../output/report.js";
import {formatBytes} from "../output/units.js";
import {collectFiles} from "../workspace-files.js";
import {joinTokens, tokenFiles, type TokenFile} from "./bench-files.js";
import {LlamaServer} from "./llama-server.js";
import {findLlamaServer} from "./peers.js";

/** Room for prefix, question and answer behind the files in a plain context. */
const nTail = 1024;

export class BenchLab {
    #engine: EngineApi | undefined;
    #model: LoadedModel | undefined;
    #reader: Reader | undefined;
    #plain: {native: NativePlain; nCtx: number} | undefined;
    #server: {server: LlamaServer; nCtx: number} | undefined;
    #chatSession: ChatSessionPeer | undefined;
    #files: TokenFile[] | undefined;

    constructor(
        readonly context: CommandContext,
        readonly settings: EngineSettings,
        /** Absolute folder of real files. */
        readonly repo: string,
        /** How often each side is measured, a warm-up not counted. */
        readonly rounds: number,
        /** Says what is being prepared. */
        readonly say: (what: string) => void,
    ) {}

    get signal(): AbortSignal {
        return this.context.interrupt.signal;
    }

    get policy(): Policy {
        return policyByName(this.settings.policy);
    }

    /** The engine, loaded and calibrated, with all files of the repository known to it. */
    async engine(): Promise<EngineApi> {
        if (this.#engine !== undefined) return this.#engine;
        const engine = await this.context.createEngine(this.settings);
        try {
            // What is read in the background would be measured too.
            engine.pause();
            await engine.load((share) => this.say(`loading the model ${Math.floor(share * 100)} %`), this.signal);
            const {files} = await collectFiles(this.repo, undefined, this.signal);
            await engine.updateWorkspace({workspace: this.repo, upsert: files});
            await this.#calibrate(engine);
        } catch (error) {
            // The next row that needs one tries again instead of finding one that is not ready.
            await engine.dispose();
            throw error;
        }
        return (this.#engine = engine);
    }

    /** The engine anew, as after a restart of the editor: what it knows is on disk. */
    async restartEngine(): Promise<EngineApi> {
        const engine = this.#engine;
        this.#engine = undefined;
        await engine?.dispose();
        return this.engine();
    }

    /** The model a second time, for the parts below the engine. */
    async model(): Promise<LoadedModel> {
        if (this.#model !== undefined) return this.#model;
        this.#model = await LoadedModel.load({settings: this.settings, signal: this.signal});
        return this.#model;
    }

    async files(): Promise<TokenFile[]> {
        if (this.#files !== undefined) return this.#files;
        const {model} = await this.model();
        this.#files = await tokenFiles(this.repo, (text) => Uint32Array.from(model.tokenize(text)), this.signal);
        return this.#files;
    }

    /** Reads tokens as the engine does, without its store. */
    async reader(): Promise<Reader> {
        if (this.#reader !== undefined) return this.#reader;
        const model = await this.model();
        const context = await KvContext.open({
            model,
            rowType: this.settings.rowType,
            nThreads: this.settings.threads,
            limitBytes: (this.settings.kvMib ?? defaultKvMib) * 2 ** 20,
        });
        this.#reader = new Reader(context, await Prefix.make(context, (await ChatFormat.of(model.model)).prefix));
        return this.#reader;
    }

    /** Segments of token lists, each read alone, cut by the policy of the settings or (`full`) not at all. */
    async segments(pieces: readonly Uint32Array[], policy: Policy): Promise<NativeSegment[]> {
        const reader = await this.reader();
        const profile = await this.profileFor(policy);
        const segments: NativeSegment[] = [];
        for (const [index, tokens] of pieces.entries()) {
            this.say(`reading piece ${index + 1} of ${pieces.length} (${policy.name})`);
            const read = await reader.read({
                tokens,
                policy,
                budget: policy.name === "full" ? 1 : this.settings.budget,
                profile,
                signal: this.signal,
            });
            segments.push(read.native);
        }
        return segments;
    }

    /** The head profile when the policy asks for one. */
    async profileFor(policy: Policy): Promise<HeadProfile | undefined> {
        if (!policyNeeds(policy).profile) return undefined;
        const engine = await this.engine();
        const found = await engine.headProfile();
        return found && headProfileSchema.parse(JSON.parse(await readFile(found.path, "utf8")));
    }

    /** Plain llama.cpp with room for `nTokens` and a question behind them, empty. */
    async plain(nTokens: number): Promise<NativePlain> {
        const nCtx = cellsFor(nTokens);
        if (this.#plain !== undefined && this.#plain.nCtx >= nCtx) {
            await this.#plain.native.clear();
            return this.#plain.native;
        }
        await this.#plain?.native.close();
        this.#plain = undefined;
        const model = await this.model();
        const native = new model.addon.Plain(model.handle, {
            nCtx,
            nBatch: batchTokens(model),
            nThreads: this.settings.threads,
            rowType: this.settings.rowType,
            // The best that a program can do with it.
            threadPool: true,
        });
        await native.open();
        this.#plain = {native, nCtx};
        return native;
    }

    /**
     * llama-server with room for `nTokens` and a question behind them. What it has cached is what it was asked last.
     * @throws KvasirError `file-missing` when it is not installed, `internal` when it does not start
     */
    async server(nTokens: number): Promise<LlamaServer> {
        const nCtx = cellsFor(nTokens);
        // One that ended in another row is started anew.
        if (this.#server !== undefined && this.#server.nCtx >= nCtx && !this.#server.server.hasEnded)
            return this.#server.server;
        await this.stopServer();
        const model = await this.model();
        this.say("llama-server starts");
        const server = await LlamaServer.start({
            program: findLlamaServer(model.backend),
            modelPath: model.path,
            nCtx,
            nThreads: this.settings.threads || availableParallelism(),
            onGpu: model.backend !== "cpu",
            // It caps a conversation at the trained window.
            liftedWindowKey:
                nCtx > model.description.window ? `${model.info("none").architecture}.context_length` : undefined,
            signal: this.signal,
        });
        this.#server = {server, nCtx};
        return server;
    }

    async stopServer(): Promise<void> {
        await this.#server?.server.stop();
        this.#server = undefined;
    }

    /** node-llama-cpp's own chat session with room for `nTokens` and a question behind them. */
    async chatSession(nTokens: number): Promise<ChatSessionPeer> {
        const nCtx = cellsFor(nTokens);
        if (this.#chatSession !== undefined && this.#chatSession.nCtx >= nCtx) return this.#chatSession;
        await this.#chatSession?.dispose();
        const model = await this.model();
        this.#chatSession = await ChatSessionPeer.open(model, {
            nCtx,
            nBatch: batchTokens(model),
            nThreads: this.settings.threads,
        });
        return this.#chatSession;
    }

    /** A peer that may not be here: itself, or why not. A cancelled bench is no such reason. */
    async optional<Peer>(
        find: () => Promise<Peer>,
    ): Promise<{peer: Peer; why?: undefined} | {peer?: undefined; why: string}> {
        try {
            return {peer: await find()};
        } catch (error) {
            if (this.signal.aborted || isKvasirError(error, "cancelled")) throw error;
            return {why: sentenceOf(toKvasirError(error))};
        }
    }

    /** @throws KvasirError `out-of-memory` when the device that computes has less free */
    async requireMemory(bytes: number): Promise<void> {
        const model = await this.model();
        const free = (await model.vram())?.free ?? freemem();
        if (bytes > free)
            throw new KvasirError(
                "out-of-memory",
                `this row takes ${formatBytes(bytes)} of memory and ${formatBytes(free)} are free.`,
            );
    }

    /** The prompt that a program without segments sends: the same tokens, one file behind the other. */
    async prompt(files: readonly TokenFile[], question: string): Promise<Uint32Array> {
        const {model} = await this.model();
        const format = await ChatFormat.of(model);
        return joinTokens([
            format.prefix,
            ...files.map((file) => file.tokens),
            format.render([{role: "user", text: question}], {}).tail,
        ]);
    }

    /** Frees what is large and only some rows need: contexts of plain llama.cpp and of the chat session. */
    async freePeers(): Promise<void> {
        await this.#plain?.native.close();
        this.#plain = undefined;
        await this.#chatSession?.dispose();
        this.#chatSession = undefined;
    }

    async close(): Promise<void> {
        await this.stopServer();
        await this.#chatSession?.dispose();
        await this.#plain?.native.close();
        this.#reader?.prefix.dispose();
        await this.#reader?.context.close();
        await this.#model?.dispose();
        await this.#engine?.dispose();
    }

    async #calibrate(engine: EngineApi): Promise<void> {
        if (!policyNeeds(this.policy).profile || (await engine.headProfile()) !== undefined) return;
        await engine.calibrate(
            {workspace: this.repo},
            (share) => this.say(`measuring the head profile ${Math.floor(share * 100)} %`),
            this.signal,
        );
    }
}

/** Enough for the longest rows of a small model; the device is asked before more than it has is used. */
const defaultKvMib = 8192;

function cellsFor(nTokens: number): number {
    return Math.ceil((nTokens + nTail) / 256) * 256;
}
