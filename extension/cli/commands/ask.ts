/** `kvasir ask QUESTION`: one answer with the repository as context, streamed. */
import type {AnswerReport, EngineApi} from "../../protocol/engine.js";
import {usage} from "../../protocol/errors.js";
import {ChatConversation} from "../chat/conversation.js";
import {openQuestionScope, type QuestionScope} from "../chat/question-scope.js";
import type {CommandContext, CommandResult} from "../command-context.js";
import {type CommonFlags, conversationFolder, settingsOf} from "../common-flags.js";
import {answerJson, answerText} from "../output/answer.js";
import type {ProgressLine} from "../output/progress-line.js";
import {formatNumberOf} from "../output/units.js";
import {withLoadedEngine} from "../with-engine.js";

export interface AskFlags extends CommonFlags {
    context?: string[];
    session?: string;
    maxTokens: number;
    temperature: number;
    seed?: number;
    interactive?: boolean;
}

export async function runAsk(
    context: CommandContext,
    question: string | undefined,
    flags: AskFlags,
): Promise<CommandResult> {
    if (question === undefined || question.trim() === "")
        throw usage(
            "ask needs a question.",
            'Put it first: kvasir ask "QUESTION" --context PATH..., or use --interactive.',
        );
    const {terminal} = context;
    const report = await withLoadedEngine(context, settingsOf(flags, context.root), async (engine, progress) => {
        const {signal} = context.interrupt;
        const conversation = await openConversation(context, flags);
        const scope = await openQuestionScope(engine, context.root, flags.context, signal);
        const answer = await askOnce(engine, {
            workspace: context.root,
            conversation,
            question,
            flags,
            scope,
            signal,
            progress,
            onText: flags.json ? () => undefined : (piece) => terminal.stdout.write(piece),
        });
        await conversation.add({question, answer: answer.text, details: answerJson(answer)});
        return answer;
    });
    if (flags.json) for (const note of report.notes) terminal.stderr.write(`note: ${note}\n`);
    else {
        if (!report.text.endsWith("\n")) terminal.stdout.write("\n");
        // The answer alone goes to standard output, so that it can be piped; its report beside it.
        terminal.stderr.write(`\n${answerText(report, {colors: terminal.errColors, width: terminal.errColumns})}\n`);
    }
    return {json: answerJson(report), text: ""};
}

export function openConversation(context: CommandContext, flags: AskFlags): Promise<ChatConversation> {
    if (flags.session === undefined) return Promise.resolve(ChatConversation.unnamed());
    return ChatConversation.named(flags.session, {
        folder: conversationFolder(flags, context.root),
        root: context.root,
        onDamage: (path) =>
            context.terminal.stderr.write(`note: a damaged conversation file was set aside as ${path}\n`),
    });
}

/** One question to the engine, progress and streaming wired; files left out by the scan are added to its report. */
export async function askOnce(
    engine: EngineApi,
    request: {
        workspace: string;
        conversation: ChatConversation;
        question: string;
        flags: AskFlags;
        scope: QuestionScope;
        signal: AbortSignal;
        progress: ProgressLine;
        onText: (piece: string) => void;
    },
): Promise<AnswerReport> {
    const {flags, scope, progress} = request;
    progress.show("choosing files");
    try {
        const report = await engine.ask(
            {
                workspace: request.workspace,
                conversation: request.conversation.id,
                ...(request.conversation.storedAs === undefined ? {} : {storedAs: request.conversation.storedAs}),
                turns: request.conversation.turnsWith(request.question),
                choice: scope.choice,
                maxTokens: flags.maxTokens,
                temperature: flags.temperature,
                ...(flags.seed === undefined ? {} : {seed: flags.seed}),
            },
            {
                text: (piece) => {
                    progress.clear();
                    request.onText(piece);
                },
                progress: progress.showRead,
                attended: (files) => progress.show(`answering over ${formatNumberOf(files.length, "file")}`),
            },
            request.signal,
        );
        return {...report, leftOut: [...report.leftOut, ...scope.leftOut]};
    } finally {
        progress.clear();
    }
}
