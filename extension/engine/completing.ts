/** The road of one completion: same choosing, same segments and weights as chat, its own session. */
import type {Token} from "node-llama-cpp";
import {distinctTexts} from "../core/completion/branches.js";
import {fimPrompt, fimStopTokens, type FimPiece} from "../core/layout/fim.js";
import {findFimVocabulary, type FimRole, type FimVocabulary} from "../core/layout/fim-roles.js";
import {fimWindow} from "../core/layout/fim-window.js";
import {CompletionText} from "../core/layout/completion-text.js";
import type {CompleteRequest, CompletionReport} from "../protocol/engine.js";
import {attend} from "./attending.js";
import {choose} from "./chooser.js";
import {draftText} from "./drafting.js";
import type {PromptCounts} from "./kv/conversation.js";
import type {LoadedEngine} from "./loaded-engine.js";
import {TextStream} from "./model/text-stream.js";
import type {Turn} from "./scheduler.js";
import type {KnownWorkspace} from "./workspace/known-workspace.js";

/** How long a completion reads files for: ghost text that comes later is of no use. */
const waitForReadsMs = 0;

export async function complete(
    engine: LoadedEngine,
    workspace: KnownWorkspace,
    request: CompleteRequest,
    {turn, signal, startMs}: {turn: Turn; signal?: AbortSignal | undefined; startMs: number},
): Promise<CompletionReport> {
    const {settings} = engine;
    const countTokens = (text: string) => engine.tokenize(text).length;
    const {textBefore, textAfter} = fimWindow(request.text, request.offset, countTokens);
    const chosen = choose(workspace, {
        choice: request.choice,
        budgetTokens: settings.attendedTokens,
        current: {path: request.path, textBeforeCursor: textBefore},
    });
    const attended = await attend(engine, workspace, chosen, {
        turn,
        signal,
        waitMs: waitForReadsMs,
        isNamedAwaited: false,
    });
    try {
        workspace.markAttended(attended.files.map(({path}) => path));
        const conversation = engine.conversation(`complete ${workspace.name}`);
        await conversation.attend(attended.segments);
        const vocabulary = fimVocabularyOf(engine);
        const prompt = fimPrompt({textBefore, textAfter, path: request.path}, vocabulary);
        const stopTokens = new Set(vocabulary ? fimStopTokens(vocabulary) : []);
        const {model} = engine.model;
        const place = {
            textBefore: request.text.slice(0, request.offset),
            textAfter: request.text.slice(request.offset),
            pathOrLanguage: request.path,
        };
        let firstTokenMs: number | undefined;
        const newText = () => {
            const {heldBack, stopTexts} = prompt;
            const shown = new CompletionText(place, {multiLine: request.multiLine, heldBack, stopTexts});
            const stream = new TextStream(model, [], () => {});
            return {
                take: (token: number): boolean => {
                    firstTokenMs ??= performance.now();
                    if (stopTokens.has(token)) return false;
                    stream.push(token);
                    return !shown.isDone(stream.text);
                },
                finish: (): string => {
                    stream.end();
                    return shown.finish(stream.text);
                },
            };
        };
        const tokens = tokensOf(engine, prompt.pieces, vocabulary);
        const job = {tokens, turn, signal, mayKeepStale: true};
        const report = (
            {nReused, nDecoded}: PromptCounts,
            what: Pick<CompletionReport, "text" | "candidates" | "tokens" | "stop">,
        ): CompletionReport => {
            const now = performance.now();
            return {
                ...what,
                ttftMs: (firstTokenMs ?? now) - startMs,
                ms: now - startMs,
                attended: attended.files,
                reusedTokens: attended.reusedTokens,
                readTokens: attended.readTokens,
                promptTokens: nReused + nDecoded,
                reusedPromptTokens: nReused,
                mode: prompt.mode,
            };
        };
        const {maxTokens, n = 1} = request;
        if (n > 1) {
            const {counts, candidates} = await conversation.generateCandidates({
                ...job,
                nCandidates: n,
                maxTokens,
                isEnd: (token) => stopTokens.has(token) || model.isEogToken(token as Token),
                onCandidate: () => newText().take,
            });
            const texts = candidates.map((candidate) => {
                const text = newText();
                candidate.tokens.forEach(text.take);
                return text.finish();
            });
            return report(counts, {
                text: texts[0]!,
                candidates: distinctTexts(texts),
                tokens: candidates.reduce((sum, candidate) => sum + candidate.tokens.length, 0),
                stop: candidates[0]!.reason ?? "stopped",
            });
        }
        const text = newText();
        const draftFrom = draftText(workspace, attended.segments, tokens);
        const options = {maxTokens, temperature: 0, draftFrom};
        const generated = await conversation.generate({...job, options, onToken: text.take});
        return report(generated, {
            text: text.finish(),
            tokens: generated.tokens.length,
            stop: generated.reason,
        });
    } finally {
        attended.release();
    }
}

const vocabularies = new WeakMap<LoadedEngine, {vocabulary: FimVocabulary | undefined}>();

/** The model's fill-in-the-middle tokens, from the GGUF. */
function fimVocabularyOf(engine: LoadedEngine): FimVocabulary | undefined {
    const known = vocabularies.get(engine);
    if (known) return known.vocabulary;
    const {model} = engine.model;
    const metadata = (model.fileInfo.metadata.tokenizer.ggml ?? {}) as unknown as Record<string, unknown>;
    const ids: [FimRole, string][] = [
        ["prefix", "fim_pre_token_id"],
        ["suffix", "fim_suf_token_id"],
        ["middle", "fim_mid_token_id"],
        ["pad", "fim_pad_token_id"],
        ["repoName", "fim_rep_token_id"],
        ["fileSeparator", "fim_sep_token_id"],
    ];
    const fromMetadata = Object.fromEntries(
        ids.flatMap(([role, key]) => (metadata[key] === undefined ? [] : [[role, Number(metadata[key])]])),
    );
    const texts = (metadata.tokens ?? []) as string[];
    const vocabulary = findFimVocabulary({
        fromMetadata,
        textOf: (id) => texts[id],
        idOf: (text) => {
            const id = texts.indexOf(text);
            return id < 0 ? undefined : id;
        },
        modelName: String(model.fileInfo.metadata.general.name ?? ""),
    });
    vocabularies.set(engine, {vocabulary});
    return vocabulary;
}

function tokensOf(
    engine: LoadedEngine,
    pieces: readonly FimPiece[],
    vocabulary: FimVocabulary | undefined,
): Uint32Array {
    return Uint32Array.from(
        pieces.flatMap((piece) => {
            if (piece.role !== undefined) return [vocabulary!.tokens[piece.role]!];
            const options = piece.hasImpliedSpace ? undefined : "trimLeadingSpace";
            return [...engine.model.model.tokenize(piece.text, false, options)];
        }),
    );
}
