/**
 * `kvasir ask --interactive`: a small chat in the terminal. Ctrl-C stops an answer; a second one, or one at an empty
 * prompt, leaves. Works with piped input too, one question a line.
 */
import {createInterface, type Interface} from "node:readline";
import type {AnswerReport, AttendedFile, EngineApi} from "../../protocol/engine.js";
import {isKvasirError, type KvasirError, toKvasirError} from "../../protocol/errors.js";
import {type AskFlags, askOnce, openConversation} from "../commands/ask.js";
import type {CommandContext} from "../command-context.js";
import {settingsOf} from "../common-flags.js";
import {answerJson, answerText, attendedText} from "../output/answer.js";
import type {ProgressLine} from "../output/progress-line.js";
import {sentenceOf} from "../output/report.js";
import type {Terminal} from "../output/terminal.js";
import {formatCount, formatNumberOf} from "../output/units.js";
import {withLoadedEngine} from "../with-engine.js";
import type {ChatConversation} from "./conversation.js";
import {openQuestionScope, type QuestionScope} from "./question-scope.js";

const help = `/files  the files of the last answer, and how many there are
/help   this
/quit   leave (so do Ctrl-D and Ctrl-C twice)
Ctrl-C  stops an answer`;

/** @param first a question that was given on the command line: it is asked at once */
export async function runInteractive(
    context: CommandContext,
    input: NodeJS.ReadableStream,
    first: string | undefined,
    flags: AskFlags,
): Promise<void> {
    await withLoadedEngine(context, settingsOf(flags, context.root), async (engine, progress) => {
        const conversation = await openConversation(context, flags);
        const scope = await openQuestionScope(engine, context.root, flags.context, context.interrupt.signal);
        // While the person reads an answer and thinks, the files that it saw are scored again.
        await engine.updateWorkspace({workspace: context.root, refine: true});
        progress.clear();
        const chat = new Chat(context, engine, conversation, scope, flags, progress);
        await chat.run(input, first);
    });
}

class Chat {
    #attended: readonly AttendedFile[] | undefined;

    constructor(
        readonly context: CommandContext,
        readonly engine: EngineApi,
        readonly conversation: ChatConversation,
        readonly scope: QuestionScope,
        readonly flags: AskFlags,
        readonly progress: ProgressLine,
    ) {}

    get terminal(): Terminal {
        return this.context.terminal;
    }

    async run(input: NodeJS.ReadableStream, first: string | undefined): Promise<void> {
        const lines = new LineReader(this.context, input, this.conversation.questions());
        try {
            this.#say(`${this.terminal.errColors.dim("Ask about the files; /help lists the commands.")}`);
            for (let line = first ?? (await lines.next()); line !== undefined; line = await lines.next()) {
                const text = line.trim();
                if (text === "/quit") return;
                if (text === "") continue;
                if (text === "/help") this.#say(help);
                else if (text === "/files") await this.#files();
                else if (text.startsWith("/")) this.#say(`There is no command ${text}; /help lists them.`);
                else if (!(await this.#ask(text))) return;
            }
        } finally {
            lines.close();
        }
    }

    /** @returns false when the person wants to leave */
    async #ask(question: string): Promise<boolean> {
        const {interrupt} = this.context;
        interrupt.reset();
        let streamed = "";
        try {
            const report = await askOnce(this.engine, {
                workspace: this.context.root,
                conversation: this.conversation,
                question,
                flags: this.flags,
                scope: this.scope,
                signal: interrupt.signal,
                progress: this.progress,
                onText: (piece) => {
                    streamed += piece;
                    this.terminal.stdout.write(piece);
                },
            });
            if (!report.text.endsWith("\n")) this.terminal.stdout.write("\n");
            this.#report(report);
            await this.conversation.add({question, answer: report.text, details: answerJson(report)});
        } catch (thrown) {
            if (streamed !== "") this.terminal.stdout.write("\n");
            const isStopped = interrupt.signal.aborted || isKvasirError(thrown, "cancelled");
            if (isStopped) {
                this.#say(this.terminal.errColors.dim("stopped"));
                // What was said stays part of the talk, so that one can go on from it.
                if (streamed !== "") await this.conversation.add({question, answer: streamed});
                return true;
            }
            // A question that does not fit is no reason to lose the conversation.
            this.#error(toKvasirError(thrown));
        } finally {
            interrupt.reset();
        }
        return true;
    }

    #report(report: AnswerReport): void {
        this.#attended = report.attended;
        this.#say(`\n${answerText(report, this.#look())}\n`);
    }

    async #files(): Promise<void> {
        if (this.#attended !== undefined) this.#say(attendedText(this.#attended, this.#look()));
        const files = await this.engine.files(this.context.root);
        const nRead = files.filter((file) => file.tier !== "known").length;
        const tokens = files.reduce((sum, file) => sum + file.tokens, 0);
        this.#say(
            `${formatNumberOf(files.length, "file")} of ${formatCount(tokens)} tokens known, ${nRead} of them read`,
        );
    }

    #error(error: KvasirError): void {
        const colors = this.terminal.errColors;
        this.#say(`${colors.red("error")} ${colors.bold(error.code)}: ${sentenceOf(error)}`);
    }

    #look() {
        return {colors: this.terminal.errColors, width: this.terminal.errColumns};
    }

    #say(text: string): void {
        this.terminal.stderr.write(`${text}\n`);
    }
}

/** Lines one at a time; those that arrive while an answer runs wait their turn. */
class LineReader {
    readonly #reader: Interface;
    readonly #waiting: string[] = [];
    readonly #isTerminal: boolean;
    #isClosed = false;
    #wake: (() => void) | undefined;
    #isPrompting = false;
    #wasInterrupted = false;

    constructor(context: CommandContext, input: NodeJS.ReadableStream, history: string[]) {
        const {terminal, interrupt} = context;
        this.#isTerminal = (input as {isTTY?: boolean}).isTTY === true && terminal.isErrLive;
        this.#reader = createInterface({
            input,
            // The prompt is no result.
            output: terminal.stderr as NodeJS.WritableStream,
            terminal: this.#isTerminal,
            prompt: terminal.errColors.cyan("› "),
            history: history.slice().reverse(),
            removeHistoryDuplicates: true,
        });
        this.#reader.on("line", (line) => {
            this.#wasInterrupted = false;
            this.#waiting.push(line);
            this.#wake?.();
        });
        this.#reader.on("close", () => {
            this.#isClosed = true;
            this.#wake?.();
        });
        const onInterrupt = (): void => {
            if (!this.#isPrompting) {
                // While an answer runs the terminal is ours in raw mode, so Ctrl-C comes here and not as a signal.
                if (!interrupt.trigger()) this.#reader.close();
                return;
            }
            if (this.#wasInterrupted) return this.#reader.close();
            this.#wasInterrupted = true;
            terminal.stderr.write("\nCtrl-C again, or /quit, to leave\n");
            this.#clearLine();
            this.#reader.prompt();
        };
        if (this.#isTerminal) this.#reader.on("SIGINT", onInterrupt);
    }

    /** undefined at the end of the input, or when the person leaves. */
    async next(): Promise<string | undefined> {
        this.#isPrompting = true;
        if (this.#isTerminal && this.#waiting.length === 0 && !this.#isClosed) this.#reader.prompt();
        while (this.#waiting.length === 0 && !this.#isClosed)
            await new Promise<void>((resolve) => (this.#wake = resolve));
        this.#isPrompting = false;
        return this.#waiting.shift();
    }

    close(): void {
        this.#reader.close();
    }

    #clearLine(): void {
        this.#reader.write(null, {ctrl: true, name: "e"});
        this.#reader.write(null, {ctrl: true, name: "u"});
    }
}
