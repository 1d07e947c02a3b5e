/**
 * Owns how a completion is asked of a server: llama-server's /infill with the files beside it, a spelled fill-in-the-middle
 * prompt where the model's name tells its family, `suffix` where a server takes it, and the text before the cursor
 * elsewhere. What a server turned out not to do is not tried again.
 */
import {CompletionText} from "../../core/layout/completion-text.js";
import {fimPrompt} from "../../core/layout/fim.js";
import {spelledFim} from "../../core/layout/fim-spelling.js";
import type {CompleteRequest, ServerKind} from "../../protocol/engine.js";
import type {AnswerData} from "./answer-stream.js";
import {isRouteMissing} from "./server-facts.js";
import type {ServerHttp} from "./server-http.js";

type Way = "infill" | "spelled" | "suffix" | "prefix";

export interface RemoteCompletion {
    text: string;
    /** Milliseconds, as performance.now() counts; undefined when nothing came. */
    firstMs: number | undefined;
    nTokens: number;
    mode: "fim" | "prefix";
    stop: "endOfText" | "maxTokens" | "stopped";
    /** The last event: usage and timings. */
    last: AnswerData | undefined;
}

export interface CompletionParts {
    /** Around the cursor, cut to size. */
    textBefore: string;
    textAfter: string;
    /** In the order of the prompt. */
    files: readonly {path: string; text: string}[];
}

interface Call {
    path: string;
    body: object;
    mode: "fim" | "prefix";
    heldBack?: string;
    stopTexts?: string[];
}

export class RemoteCompleter {
    readonly #http: ServerHttp;
    readonly #model: string;
    readonly #ways: Way[];

    constructor(http: ServerHttp, kind: ServerKind, model: string) {
        this.#http = http;
        this.#model = model;
        // Neither vLLM nor SGLang fills in by `suffix`.
        const ways: Record<ServerKind, Way[]> = {
            "llama-server": ["infill", "prefix"],
            vllm: ["spelled", "prefix"],
            sglang: ["spelled", "prefix"],
            generic: ["spelled", "suffix", "prefix"],
        };
        this.#ways = ways[kind];
    }

    async complete(request: CompleteRequest, parts: CompletionParts, signal?: AbortSignal): Promise<RemoteCompletion> {
        for (const way of [...this.#ways]) {
            const call = this.#call(way, request, parts);
            if (call === undefined) continue;
            try {
                return await this.#run(call, request, signal);
            } catch (error) {
                // 404, 400 or 501: there is no such route or option, or the model was not trained to fill in.
                if (way === "prefix" || !isRouteMissing(error)) throw error;
                this.#ways.splice(this.#ways.indexOf(way), 1);
            }
        }
        throw new Error("a completion by the text before the cursor is always tried");
    }

    #call(way: Way, {path, maxTokens}: CompleteRequest, parts: CompletionParts): Call | undefined {
        const {textBefore, textAfter, files} = parts;
        const asked = {...parts, path};
        const shared = {model: this.#model, max_tokens: maxTokens, temperature: 0, stream: true};
        switch (way) {
            case "infill":
                return {
                    path: "//infill",
                    mode: "fim",
                    body: {
                        input_extra: files.map((file) => ({filename: file.path, text: file.text})),
                        input_prefix: textBefore,
                        input_suffix: textAfter,
                        prompt: "",
                        n_predict: maxTokens,
                        temperature: 0,
                        cache_prompt: true,
                        stream: true,
                        // A completion mostly ends here, before the server's last event, which has them otherwise.
                        timings_per_token: true,
                    },
                };
            case "spelled": {
                const spelled = spelledFim(asked, this.#model);
                if (spelled === undefined) return undefined;
                const {text: prompt, stops} = spelled;
                // Four is what the API allows; the others are looked for here.
                return {
                    path: "/completions",
                    mode: "fim",
                    body: {...shared, prompt, stop: stops.slice(0, 4)},
                    stopTexts: stops,
                };
            }
            case "suffix": {
                const {prompt} = plain(asked);
                return {path: "/completions", mode: "fim", body: {...shared, prompt, suffix: textAfter}};
            }
            case "prefix": {
                const {prompt, heldBack, stopTexts} = plain(asked);
                return {path: "/completions", mode: "prefix", body: {...shared, prompt}, heldBack, stopTexts};
            }
        }
    }

    async #run(call: Call, request: CompleteRequest, signal?: AbortSignal): Promise<RemoteCompletion> {
        const {text, offset, path, multiLine, maxTokens} = request;
        const shown = new CompletionText(
            {textBefore: text.slice(0, offset), textAfter: text.slice(offset), pathOrLanguage: path},
            {multiLine, heldBack: call.heldBack ?? "", stopTexts: call.stopTexts ?? []},
        );
        let raw = "";
        let nPieces = 0;
        let firstMs: number | undefined;
        let last: AnswerData | undefined;
        let stop: RemoteCompletion["stop"] = "endOfText";
        for await (const event of this.#http.events(call.path, call.body, signal)) {
            if (event.usage ?? event.timings) last = event;
            const piece = event.content ?? event.choices?.[0]?.text ?? "";
            if (event.choices?.[0]?.finish_reason === "length" || event.stop_type === "limit") stop = "maxTokens";
            if (piece === "") continue;
            firstMs ??= performance.now();
            nPieces++;
            raw += piece;
            // Also what ends a server that does not count.
            if (shown.isDone(raw) || nPieces > maxTokens) {
                stop = "stopped";
                break;
            }
        }
        const nTokens = last?.usage?.completion_tokens ?? last?.timings?.predicted_n ?? nPieces;
        return {text: shown.finish(raw), firstMs, nTokens, mode: call.mode, stop, last};
    }
}

function plain(request: CompletionParts & {path: string}): {prompt: string; heldBack: string; stopTexts: string[]} {
    const {pieces, heldBack, stopTexts} = fimPrompt(request, undefined);
    return {prompt: pieces.map((piece) => piece.text ?? "").join(""), heldBack, stopTexts};
}
