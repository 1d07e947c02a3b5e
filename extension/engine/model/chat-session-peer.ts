/**
 * node-llama-cpp's own chat session: what a program without segments uses, and a peer of the speed bench. Nothing else
 * of Kvasir goes through its contexts.
 */
import type {LlamaChatSession, LlamaContext} from "node-llama-cpp";
import type {LoadedModel} from "./loaded-model.js";

export interface ChatSessionPeerOptions {
    nCtx: number;
    nBatch: number;
    /** 0 for all cores. */
    nThreads: number;
}

export class ChatSessionPeer {
    private constructor(
        readonly nCtx: number,
        readonly context: LlamaContext,
        readonly session: LlamaChatSession,
    ) {}

    static async open(
        {model}: LoadedModel,
        {nCtx, nBatch, nThreads}: ChatSessionPeerOptions,
    ): Promise<ChatSessionPeer> {
        const {LlamaChatSession} = await import("node-llama-cpp");
        const context = await model.createContext({
            contextSize: nCtx,
            batchSize: nBatch,
            threads: nThreads,
            flashAttention: true,
        });
        return new ChatSessionPeer(nCtx, context, new LlamaChatSession({contextSequence: context.getSequence()}));
    }

    /**
     * A new conversation behind this system message; what its cache has of it in the same order is reused.
     * @returns milliseconds to the first token
     */
    async firstTokenMs(system: string, question: string, signal: AbortSignal): Promise<number> {
        this.session.setChatHistory([{type: "system", text: system}]);
        const startedMs = performance.now();
        let firstMs: number | undefined;
        await this.session.prompt(question, {
            maxTokens: 1,
            temperature: 0,
            signal,
            onToken: () => (firstMs ??= performance.now() - startedMs),
        });
        return firstMs ?? performance.now() - startedMs;
    }

    async dispose(): Promise<void> {
        await this.context.dispose();
    }
}
