/**
 * The conversations of one window: asks, stops, writes anew, and keeps every word on the disk while it comes. Must not
 * know the editor or the page: it is told what a question brings along, and tells what has changed.
 */
import {
    addTurn,
    cutBefore,
    newConversation,
    putTurn,
    rename,
    switchBranch,
    turnsForEngine,
    type AnswerTurn,
    type Conversation,
    type UserTurn,
} from "../../core/chat/conversation.js";
import type {AskRequest, ContextChoice, EngineApi, ToolDescription} from "../../protocol/engine.js";
import {isKvasirError, toKvasirError} from "../../protocol/errors.js";
import type {ConversationEntry, ConversationView, ErrorView, TurnView} from "../../protocol/webview/chat.js";
import {answerView, conversationView, type KnownFiles} from "./chat-view-model.js";
import type {ConversationFiles} from "./conversation-files.js";
import {ConversationShelf, isWorthKeeping} from "./conversation-shelf.js";
import {ToolUses} from "./tool-uses.js";
import {RunningAnswer, withReport} from "./running-answer.js";

/** A question with all that it names found and written out. */
export interface PreparedQuestion {
    prompt: string;
    attached: UserTurn["attached"];
    /** Files whose rows the answer shall see in any case. */
    named: string[];
}

export interface AskSettings {
    workspace: string;
    choice: ContextChoice;
    maxTokens: number;
    temperature: number;
    instructions: string | undefined;
    /** Where the instructions come from. */
    instructionFiles: string[];
    /** What the person shall know about them. */
    notes: string[];
    /** What the person has chosen for the chat: each call of one is asked about. */
    tools: ToolDescription[];
}

export interface ChatSessionParts {
    engine: Pick<EngineApi, "ask" | "forget">;
    files: Pick<ConversationFiles, "load" | "save" | "saveNow" | "list" | "delete" | "restore">;
    known: KnownFiles;
    /** @throws KvasirError for a question that cannot be asked; it then stays where it was written */
    prepare(text: string): Promise<PreparedQuestion>;
    /** Called for each answer, when files and settings are as the question shall see them. */
    settings(about: readonly string[]): Promise<AskSettings>;
    /** @returns what the tool says to the model; throws when it fails */
    callTool(name: string, given: object, signal: AbortSignal): Promise<string>;
    warn(message: string, error?: unknown): void;
    nowMs(): number;
    newId(): string;
    /** Runs after `ms`; answers its end. */
    later(ms: number, run: () => void): () => void;
}

/** What the page is told. */
export interface ChatListener {
    conversation(view: ConversationView): void;
    piece(piece: {conversation: string; turn: string; text: string; thought: string}): void;
    turn(turn: {conversation: string; turn: TurnView}): void;
    unsaved(error: ErrorView | undefined): void;
    deleted(conversation: {conversation: string; name: string}): void;
    /** An answer has begun or ended, in whatever way. */
    running(conversation: string, isRunning: boolean): void;
}

/** At most this much of an answer is lost when the machine goes down. */
const saveEveryMs = 1500;
const draftMs = 800;
/** Calls, results and an answer to them, for one question. */
const maxToolRounds = 10;

export class ChatSession {
    readonly #parts: ChatSessionParts;
    readonly #listener: ChatListener;
    readonly #shelf: ConversationShelf;
    readonly #running = new Map<string, RunningAnswer>();
    readonly #preparing = new Set<string>();
    readonly #toolUses: ToolUses;
    #shownId: string;
    #endDraft: (() => void) | undefined;

    constructor(parts: ChatSessionParts, listener: ChatListener) {
        this.#parts = parts;
        this.#listener = listener;
        this.#shelf = new ConversationShelf({
            files: parts.files,
            warn: (message, error) => parts.warn(message, error),
            later: (ms, run) => parts.later(ms, run),
            onUnsaved: (error) => listener.unsaved(error),
            onMerged: ({id}) => this.#tell(id),
        });
        this.#toolUses = new ToolUses(parts);
        this.#shownId = this.#begin();
    }

    get shown(): Conversation {
        return this.#shelf.get(this.#shownId) as Conversation;
    }

    isRunning(id: string): boolean {
        return this.#running.has(id);
    }

    view(): ConversationView {
        return conversationView(this.shown, this.#running.get(this.#shownId), this.#parts.known);
    }

    /** Why conversations are not saved, while they are not. */
    error(): ErrorView | undefined {
        return this.#shelf.error;
    }

    conversation(id: string): Promise<Conversation | undefined> {
        return this.#shelf.load(id);
    }

    /** An answer of a conversation that is in use. */
    answer(conversation: string, turn: string): AnswerTurn | undefined {
        const found = this.#shelf.get(conversation)?.turns.find(({id}) => id === turn);
        return found?.role === "assistant" ? found : undefined;
    }

    /** Shows a conversation; an unknown one leaves all as it is. @returns whether it is shown now */
    async show(id: string): Promise<boolean> {
        const conversation = await this.#shelf.load(id);
        if (conversation === undefined) return false;
        this.#shownId = id;
        this.#tidy();
        this.#tell(id);
        return true;
    }

    /** An empty one that is shown already is the new one. */
    startNew(): void {
        if (this.shown.turns.length > 0 || this.shown.branches.length > 0) this.#shownId = this.#begin();
        this.#tidy();
        this.#tell(this.#shownId);
    }

    /** @throws KvasirError when it cannot be asked; nothing has changed then */
    async send(id: string, text: string, excluded: readonly string[] = []): Promise<void> {
        await this.#ask(id, text, (conversation, question) =>
            addTurn({...conversation, draft: ""}, {...question, excluded: [...excluded]}),
        );
    }

    /** Writes a question anew. What followed it is kept as another ending. */
    async edit(id: string, turnId: string, text: string): Promise<void> {
        await this.#ask(id, text, (conversation, question) => {
            const old = conversation.turns.find((turn) => turn.id === turnId);
            const cut = cutBefore(conversation, turnId);
            if (cut === undefined || old?.role !== "user") return undefined;
            return addTurn(cut, {...question, excluded: old.excluded});
        });
    }

    /** Asks the question of an answer once more, or a question that has no answer; perhaps without one of the files. */
    async again(id: string, turnId: string, leaveOut?: string): Promise<void> {
        const conversation = this.#shelf.get(id);
        if (conversation === undefined || this.#isBusy(id)) return;
        const at = conversation.turns.findIndex((turn) => turn.id === turnId);
        const questionAt = conversation.turns[at]?.role === "assistant" ? at - 1 : at;
        const question = conversation.turns[questionAt];
        if (question?.role !== "user") return;
        const changed =
            leaveOut === undefined || question.excluded.includes(leaveOut)
                ? conversation
                : putTurn(conversation, {...question, excluded: [...question.excluded, leaveOut]});
        const replaced = conversation.turns[questionAt + 1];
        const next = replaced === undefined ? changed : cutBefore(changed, replaced.id);
        if (next === undefined) return;
        this.#shelf.put(next);
        await this.#answer(id);
    }

    /** What a person has said of a tool that an answer waits for. */
    decideTool(id: string, turn: string, call: string, isAllowed: boolean): void {
        if (this.#running.get(id)?.turn === turn) this.#toolUses.decide(turn, call, isAllowed);
    }

    showBranch(id: string, turnId: string, place: number): void {
        const conversation = this.#shelf.get(id);
        if (conversation === undefined || this.#isBusy(id)) return;
        const switched = switchBranch(conversation, turnId, place);
        if (switched === undefined) return;
        this.#shelf.put(switched);
        this.#tell(id);
        void this.#shelf.save(id);
    }

    stop(id: string): void {
        this.#running.get(id)?.controller.abort();
    }

    draft(id: string, text: string): void {
        const conversation = this.#shelf.get(id);
        if (conversation === undefined || conversation.draft === text) return;
        this.#shelf.put({...conversation, draft: text});
        this.#endDraft?.();
        this.#endDraft = this.#parts.later(draftMs, () => {
            const now = this.#shelf.get(id);
            if (now !== undefined && isWorthKeeping(now)) void this.#shelf.save(id);
        });
    }

    async rename(id: string, name: string): Promise<void> {
        const conversation = await this.#shelf.load(id);
        if (conversation === undefined) return;
        this.#shelf.put(rename(conversation, name));
        this.#tell(id);
        await this.#shelf.save(id);
        this.#tidy();
    }

    async delete(id: string): Promise<void> {
        this.stop(id);
        const conversation = await this.#shelf.load(id);
        // What is not on the disk yet goes there first, so that it can be brought back whole.
        if (conversation !== undefined && isWorthKeeping(conversation)) await this.#shelf.save(id);
        const wasThere = await this.#parts.files.delete(id);
        this.#shelf.drop(id);
        this.#parts.engine
            .forget(id, id)
            .catch((error: unknown) => this.#parts.warn("rows were not forgotten.", error));
        if (this.#shownId === id) {
            this.#shownId = this.#begin();
            this.#tell(this.#shownId);
        }
        if (wasThere && conversation !== undefined) {
            this.#listener.deleted({conversation: id, name: conversation.name});
        }
    }

    async restore(id: string): Promise<void> {
        if ((await this.#parts.files.restore(id)) !== undefined) await this.show(id);
    }

    async history(search: string): Promise<ConversationEntry[]> {
        const found = await this.#parts.files.list(search);
        return found.map((entry) => ({...entry, isRunning: this.#running.has(entry.id)}));
    }

    /** Ends what runs and writes what is not on the disk yet, at once. */
    dispose(): void {
        this.#endDraft?.();
        for (const running of this.#running.values()) {
            running.flush();
            running.controller.abort();
        }
        this.#shelf.dispose();
    }

    #begin(): string {
        const conversation = newConversation(this.#parts.newId(), this.#parts.nowMs());
        this.#shelf.put(conversation);
        return conversation.id;
    }

    #isBusy(id: string): boolean {
        return this.#running.has(id) || this.#preparing.has(id);
    }

    async #ask(
        id: string,
        text: string,
        add: (conversation: Conversation, question: UserTurn) => Conversation | undefined,
    ): Promise<void> {
        if (text.trim() === "" || this.#isBusy(id) || this.#shelf.get(id) === undefined) return;
        this.#preparing.add(id);
        try {
            const prepared = await this.#parts.prepare(text);
            const conversation = this.#shelf.get(id);
            const question: UserTurn = {
                ...prepared,
                id: this.#parts.newId(),
                role: "user",
                text,
                excluded: [],
                createdAtMs: this.#parts.nowMs(),
            };
            const next = conversation === undefined ? undefined : add(conversation, question);
            if (next === undefined) return;
            this.#shelf.put(next);
        } finally {
            this.#preparing.delete(id);
        }
        await this.#answer(id);
    }

    async #answer(id: string): Promise<void> {
        const conversation = this.#shelf.get(id);
        const question = conversation?.turns.at(-1);
        if (conversation === undefined || question?.role !== "user") return;
        const turn = this.#parts.newId();
        let savedAtMs = this.#parts.nowMs();
        const running = new RunningAnswer({
            conversation: id,
            turn,
            later: (ms, run) => this.#parts.later(ms, run),
            onPiece: ({text, thought}) => {
                this.#change(running, (now) => ({
                    ...now,
                    text: now.text + text,
                    ...(thought === "" ? {} : {thought: (now.thought ?? "") + thought}),
                }));
                if (this.#parts.nowMs() - savedAtMs < saveEveryMs) return;
                savedAtMs = this.#parts.nowMs();
                void this.#shelf.save(id);
            },
            onTell: (piece) => {
                if (this.#shownId === id) this.#listener.piece({conversation: id, turn, ...piece});
            },
        });
        this.#running.set(id, running);
        const begun: AnswerTurn = {id: turn, role: "assistant", text: "", createdAtMs: savedAtMs, isPartial: true};
        this.#shelf.put(addTurn(conversation, begun));
        this.#tell(id);
        this.#listener.running(id, true);
        // The question is on the disk before anything can go wrong with the answer.
        await this.#shelf.save(id);
        try {
            await this.#run(running, conversation, question);
        } catch (error) {
            running.flush();
            if (!running.controller.signal.aborted && !isKvasirError(error, "cancelled")) {
                this.#parts.warn("an answer ended early.", error);
                const {code, message, fix} = toKvasirError(error).toJSON();
                const shown = {code, message, ...(fix === undefined ? {} : {fix})};
                this.#change(running, (now) => ({...now, error: shown}));
            }
        }
        this.#running.delete(id);
        this.#tell(id);
        this.#listener.running(id, false);
        await this.#shelf.save(id);
        this.#tidy();
    }

    async #run(running: RunningAnswer, conversation: Conversation, question: UserTurn): Promise<void> {
        const {signal} = running.controller;
        const settings = await this.#parts.settings(question.named);
        signal.throwIfAborted();
        this.#change(running, (now) => ({...now, instructions: settings.instructionFiles}));
        for (let nRounds = 0; ; nRounds++) {
            const answered = this.answer(running.conversation, running.turn);
            const turns = answered === undefined ? conversation.turns : [...conversation.turns, answered];
            const report = await this.#parts.engine.ask(
                // A model that does nothing but call is asked for an answer in the end.
                requestOf(
                    {...conversation, turns},
                    question,
                    nRounds < maxToolRounds ? settings : {...settings, tools: []},
                ),
                {
                    text: (text) => running.add({text, thought: ""}),
                    thought: (thought) => running.add({text: "", thought}),
                    attended: (attended, leftOut) => {
                        this.#change(running, (now) => ({...now, attended, leftOut}));
                        this.#tellTurn(running);
                    },
                    progress: (progress) => {
                        running.progress = progress;
                        this.#tellTurn(running);
                    },
                },
                signal,
            );
            running.flush();
            const calls = report.calls ?? [];
            if (calls.length === 0) {
                this.#change(running, (now) => withReport(now, report, settings.notes));
                return;
            }
            await this.#toolUses.run({
                turn: running.turn,
                calls,
                signal,
                change: (change) => {
                    this.#change(running, change);
                    this.#tellTurn(running);
                },
                save: () => void this.#shelf.save(running.conversation),
            });
        }
    }

    #change({conversation: id, turn: turnId}: RunningAnswer, change: (turn: AnswerTurn) => AnswerTurn): void {
        const conversation = this.#shelf.get(id);
        const turn = conversation?.turns.find((known) => known.id === turnId);
        if (conversation !== undefined && turn?.role === "assistant")
            this.#shelf.put(putTurn(conversation, change(turn)));
    }

    #tellTurn(running: RunningAnswer): void {
        running.flush();
        const turn = this.answer(running.conversation, running.turn);
        if (turn === undefined || this.#shownId !== running.conversation) return;
        this.#listener.turn({
            conversation: running.conversation,
            turn: answerView(turn, running, this.#parts.known),
        });
    }

    #tell(id: string): void {
        if (this.#shownId === id) this.#listener.conversation(this.view());
    }

    #tidy(): void {
        this.#shelf.tidy((id) => id === this.#shownId || this.#isBusy(id));
    }
}

function requestOf(conversation: Conversation, question: UserTurn, settings: AskSettings): AskRequest {
    const {choice} = settings;
    const excluded = new Set([...(choice.exclude ?? []), ...question.excluded]);
    const keep = (paths: readonly string[] | undefined) => (paths ?? []).filter((path) => !excluded.has(path));
    return {
        workspace: settings.workspace,
        conversation: conversation.id,
        storedAs: conversation.id,
        turns: turnsForEngine(conversation.turns),
        choice: {
            ...choice,
            pinned: keep(choice.pinned),
            context: [...new Set([...keep(choice.context), ...keep(question.named)])],
            open: keep(choice.open),
            exclude: [...excluded],
        },
        ...(settings.instructions === undefined ? {} : {instructions: settings.instructions}),
        maxTokens: settings.maxTokens,
        temperature: settings.temperature,
        ...(settings.tools.length === 0 ? {} : {tools: settings.tools}),
    };
}
