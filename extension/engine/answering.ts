/** The road of one question: choose, attend, continue the conversation, stream the answer, say what it cost. */
import {randomUUID} from "node:crypto";
import type {AnswerReport, AskRequest, AttendedFile, LeftOutFile, ReadProgress} from "../protocol/engine.js";
import {attend} from "./attending.js";
import {choose} from "./chooser.js";
import {draftText} from "./drafting.js";
import {questionTooLong} from "./kv/conversation.js";
import type {LoadedEngine} from "./loaded-engine.js";
import {callGrammar} from "../core/chat/call-forms.js";
import {ToolCallSplitter} from "../core/chat/tool-calls.js";
import {TextStream} from "./model/text-stream.js";
import {ThoughtSplitter} from "./model/thought-splitter.js";
import type {Turn} from "./scheduler.js";
import type {KnownWorkspace} from "./workspace/known-workspace.js";

/** Of the positions behind the files, what a question may take; the rest is for its answer. */
const maxQuestionShare = 0.75;

const noTools = "This model's template has no tools in a form that is known here: it was asked without them.";

export interface AnswerEvents {
    text?: (piece: string) => void;
    thought?: (piece: string) => void;
    attended?: (files: AttendedFile[], leftOut: LeftOutFile[]) => void;
    progress?: (progress: ReadProgress) => void;
}

export async function answer(
    engine: LoadedEngine,
    workspace: KnownWorkspace,
    request: AskRequest,
    on: AnswerEvents,
    {turn, signal, startMs}: {turn: Turn; signal?: AbortSignal | undefined; startMs: number},
): Promise<AnswerReport> {
    const {settings, format} = engine;
    const {text: question, results = []} = request.turns.at(-1)!;
    const tools = format.calls === undefined ? [] : (request.tools ?? []);
    const form = tools.length === 0 ? undefined : format.calls;
    const conversation = engine.conversation(request.conversation, request.storedAs);
    // Earlier turns can be cut, the question cannot: it is decoded whole, and an answer has to follow.
    const nQuestion = engine.tokenize([question, ...results.map(({text}) => text)].join("\n")).length;
    if (nQuestion > conversation.room * maxQuestionShare) throw questionTooLong(nQuestion, conversation.room);
    const chosen = choose(workspace, {
        choice: request.choice,
        budgetTokens: settings.attendedTokens,
        turns: request.turns,
    });
    const attended = await attend(engine, workspace, chosen, {
        turn,
        signal,
        waitMs: settings.waitForReadsMs,
        isNamedAwaited: true,
        onProgress: on.progress,
    });
    try {
        on.attended?.(attended.files, attended.leftOut);
        workspace.markAttended(attended.files.map(({path}) => path));
        await conversation.attend(attended.segments);
        const parts = {
            ...(request.instructions === undefined ? {} : {userInstructions: request.instructions}),
            missingFiles: attended.leftOut.filter(({why}) => why === "not read yet").map(({path}) => path),
        };
        const {tail, stops, thought} = format.render(request.turns, parts, tools);
        let text = "";
        const say = (piece: string) => {
            text += piece;
            on.text?.(piece);
        };
        const calling = form && new ToolCallSplitter(form, tools, say, () => `call-${randomUUID()}`);
        const splitter = new ThoughtSplitter(
            {text: (piece) => (calling === undefined ? say(piece) : calling.push(piece)), thought: on.thought},
            thought,
        );
        const stream = new TextStream(
            engine.model.model,
            form?.madeUp === undefined ? stops : [...stops, form.madeUp],
            (piece) => splitter.push(piece),
            form === undefined ? undefined : format.callMarks,
        );
        const grammar =
            request.grammar ?? (form && request.toolChoice === "required" ? callGrammar(form, tools) : undefined);
        let firstTokenMs: number | undefined;
        const generated = await conversation.generate({
            tokens: tail,
            options: {
                maxTokens: request.maxTokens,
                temperature: request.temperature,
                ...(request.seed === undefined ? {} : {seed: request.seed}),
                ...(grammar === undefined ? {} : {grammar}),
                // Without chance an answer that repeats text, as an edit does, is foreseen well.
                ...(request.temperature === 0 ? {draftFrom: draftText(workspace, attended.segments, tail)} : {}),
            },
            onToken: (token) => {
                firstTokenMs ??= performance.now();
                return stream.push(token);
            },
            turn,
            signal,
        });
        stream.end();
        splitter.end();
        calling?.end();
        const nTokens = generated.tokens.length;
        return {
            text,
            ...(calling === undefined || calling.calls.length === 0 ? {} : {calls: calling.calls}),
            ...(splitter.thought === "" ? {} : {thought: splitter.thought}),
            tokens: nTokens,
            ttftMs: (firstTokenMs ?? performance.now()) - startMs,
            tokensPerSecond: nTokens > 1 && generated.decodeMs > 0 ? (nTokens / generated.decodeMs) * 1000 : 0,
            attended: attended.files,
            leftOut: attended.leftOut,
            reusedTokens: attended.reusedTokens,
            readTokens: attended.readTokens,
            stop: generated.reason,
            notes: [
                ...notesOf(engine, attended.isUncut, conversation.size),
                ...((request.tools?.length ?? 0) > tools.length ? [noTools] : []),
            ],
            reusedTurnTokens: generated.nReused,
            decodedTurnTokens: generated.nDecoded,
            conversationTokens: conversation.size.nTokens,
            conversationKeptRows: conversation.size.keptRows,
        };
    } finally {
        attended.release();
    }
}

function notesOf(
    engine: LoadedEngine,
    isUncut: boolean,
    {nTokens, keptRows}: {nTokens: number; keptRows: number},
): string[] {
    const notes: string[] = [];
    if (isUncut)
        notes.push(
            "No head profile of this model is known yet: the files were kept whole. `kvasir calibrate` measures it.",
        );
    if (!engine.format.hasTemplate)
        notes.push("This model has no chat template: it continues the text of the question.");
    if (keptRows < nTokens)
        notes.push(
            `The conversation outgrew the model's window: of its ${nTokens} tokens the rows of ${Math.round(keptRows)} are kept.`,
        );
    return notes;
}
