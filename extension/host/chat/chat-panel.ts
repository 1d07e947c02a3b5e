/**
 * The chat view: its page, what the page says and is told. Routes; the work is done by the session, the sources, the
 * reviews and the actions on blocks.
 */
import * as vscode from "vscode";
import {slashCommands} from "../../core/chat/slash-command.js";
import {isKvasirError} from "../../protocol/errors.js";
import {chatProtocol, type ChatProtocol, type Remedy} from "../../protocol/webview/chat.js";
import type {CommandId} from "../commands/command-ids.js";
import {showError} from "../commands/register-commands.js";
import type {Ctx} from "../ctx.js";
import {disposeAll} from "../feature.js";
import {connectWebview, type WebviewHandlers, type WebviewLink} from "../webview-host.js";
import {applyAllBlocks, runBlockAction, type BlockParts} from "./block-actions.js";
import type {ChatListener, ChatSession} from "./chat-session.js";
import {watchEditors, type EditorContext} from "./editor-context.js";
import {engineView} from "./engine-view.js";
import {openLink, openPath} from "./open-from-answer.js";
import {reviewView} from "./review-view.js";
import type {Reviews} from "./reviews.js";
import {searchPlaces, searchSymbols} from "./mention-search.js";
import {themeColours} from "./theme-colours.js";
import {dropMentions} from "./drop-mentions.js";

const shownKey = "kvasir.chat.shown";
/** The engine may report its progress for each batch; a person reads four times a second at most. */
const engineMs = 250;

export interface ChatPanelParts {
    ctx: Ctx;
    session: (listener: ChatListener) => ChatSession;
    reviews: Reviews;
}

export class ChatPanel implements vscode.WebviewViewProvider, vscode.Disposable {
    readonly session: ChatSession;
    readonly #ctx: Ctx;
    readonly #reviews: Reviews;
    readonly #context: EditorContext;
    readonly #listening: vscode.Disposable;
    #view: vscode.WebviewView | undefined;
    #link: WebviewLink<ChatProtocol> | undefined;
    /** Ends when the page listens. */
    #isReady = false;
    readonly #whenReady: (() => void)[] = [];
    #engineTimer: NodeJS.Timeout | undefined;
    #restored: Promise<void> | undefined;
    #nRunning = 0;
    /** Of each open review: the conversation that was shown when it was proposed. */
    readonly #conversationOf = new Map<string, string>();

    constructor({ctx, session, reviews}: ChatPanelParts) {
        this.#ctx = ctx;
        this.#reviews = reviews;
        this.session = session({
            conversation: (view) => {
                void ctx.workspaceState.update(shownKey, view.turns.length === 0 ? undefined : view.id);
                this.#link?.post("conversation", view);
            },
            piece: (piece) => this.#link?.post("piece", piece),
            turn: (turn) => this.#link?.post("turn", turn),
            unsaved: (error) => this.#link?.post("unsaved", error === undefined ? {} : {error}),
            deleted: (conversation) => this.#link?.post("deleted", conversation),
            running: (_conversation, isRunning) => {
                this.#nRunning += isRunning ? 1 : -1;
                void vscode.commands.executeCommand("setContext", "kvasir.isAnswering", this.#nRunning > 0);
            },
        });
        this.#context = watchEditors(ctx.workspace, (context) => this.#link?.post("context", context));
        this.#listening = disposeAll(
            this.#context,
            {dispose: ctx.engine.onDidChangeStatus(() => this.#tellEngineSoon())},
            {dispose: ctx.engine.onDidChangeConnection(() => this.#tellEngineSoon())},
            ctx.workspace.onDidChange(() => this.#tellEngineSoon()),
            vscode.workspace.onDidGrantWorkspaceTrust(() => this.#tellEngineSoon()),
            vscode.window.onDidChangeActiveColorTheme(() => void this.#tellColours()),
            reviews.onDidChangeReviews(() => this.#tellReviews()),
        );
    }

    resolveWebviewView(view: vscode.WebviewView): void {
        this.#view = view;
        this.#isReady = false;
        const {extensionUri, log} = this.#ctx;
        this.#link = connectWebview(
            view.webview,
            {bundle: "chat", title: vscode.l10n.t("Kvasir Chat")},
            chatProtocol,
            this.#handlers(),
            {extensionUri, log},
        );
        view.onDidDispose(() => {
            this.#link?.dispose();
            this.#link = undefined;
            this.#view = undefined;
            this.#isReady = false;
        });
    }

    /** Brings the panel to the front; ends when its page listens. */
    async reveal(): Promise<void> {
        await vscode.commands.executeCommand("kvasir.chat.focus");
        if (this.#isReady) return;
        await new Promise<void>((resolve) => this.#whenReady.push(resolve));
    }

    async focus(part: "question" | "history" = "question"): Promise<void> {
        await this.reveal();
        this.#link?.post("focus", {part});
    }

    /** Writes something into the question that is being written. */
    async insert(text: string): Promise<void> {
        await this.reveal();
        this.#link?.post("insert", {text});
    }

    /** Asks in the conversation that is shown, or in a new one when that is being answered. */
    async ask(text: string): Promise<void> {
        await this.reveal();
        if (this.session.isRunning(this.session.shown.id)) this.session.startNew();
        // An error is shown by whoever ran the command.
        await this.session.send(this.session.shown.id, text);
    }

    tell(text: string): void {
        this.#link?.post("news", {text});
    }

    dispose(): void {
        clearTimeout(this.#engineTimer);
        this.#listening.dispose();
        this.session.dispose();
        this.#link?.dispose();
    }

    #handlers(): WebviewHandlers<ChatProtocol["toHost"]> {
        const {session} = this;
        const {workspace, log} = this.#ctx;
        const blocks: BlockParts = {workspace, reviews: this.#reviews, tell: (text) => this.tell(text)};
        // A question is answered long after its message: a failure to ask is shown, one to answer is in the answer.
        const shown = (work: Promise<unknown>) => work.catch((error: unknown) => this.#showFailure(error));
        return {
            ready: () => this.#tellAll(),
            send: ({conversation, text, excluded}) =>
                session.send(conversation, text, excluded).catch((error: unknown) => {
                    // What could not be asked goes back to where it was written.
                    this.#link?.post("insert", {text});
                    this.#showFailure(error);
                }),
            stop: ({conversation}) => session.stop(conversation),
            edit: ({conversation, turn, text}) => shown(session.edit(conversation, turn, text)),
            again: async ({conversation, turn, pin, leaveOut}) => {
                if (pin !== undefined && workspace.has(pin)) await workspace.setPinned(pin, true);
                await shown(session.again(conversation, turn, leaveOut));
            },
            showBranch: ({conversation, turn, place}) => session.showBranch(conversation, turn, place),
            draft: ({conversation, text}) => session.draft(conversation, text),
            newConversation: () => session.startNew(),
            openConversation: ({conversation}) => session.show(conversation),
            renameConversation: ({conversation, name}) => session.rename(conversation, name),
            deleteConversation: ({conversation}) => shown(session.delete(conversation)),
            restoreConversation: ({conversation}) => shown(session.restore(conversation)),
            exportConversation: ({conversation}) =>
                vscode.commands.executeCommand("kvasir.chat.export" satisfies CommandId, conversation),
            history: ({search}) => session.history(search),
            mentions: ({letters}) => searchPlaces(letters, workspace),
            symbols: ({letters}) => searchSymbols(letters, workspace),
            drop: ({uris}) => dropMentions(uris, workspace),
            block: ({conversation, turn, index, action}) => {
                const answer = session.answer(conversation, turn);
                return answer && shown(runBlockAction(action, answer, index, blocks));
            },
            applyAll: ({conversation, turn}) => {
                const answer = session.answer(conversation, turn);
                return answer && shown(applyAllBlocks(answer, blocks));
            },
            decideTool: ({conversation, turn, call, isAllowed}) =>
                session.decideTool(conversation, turn, call, isAllowed),
            copyAnswer: async ({conversation, turn}) => {
                const answer = session.answer(conversation, turn);
                if (answer === undefined) return;
                await vscode.env.clipboard.writeText(answer.text);
                this.tell(vscode.l10n.t("Copied"));
            },
            decide: ({review, isAccepted, path, hunk}) => shown(this.#reviews.decide(review, isAccepted, path, hunk)),
            showDiff: ({review, path}) => this.#reviews.show(review, path),
            closeReview: ({review}) => this.#reviews.close(review),
            pin: async ({path, isPinned}) => {
                if (isPinned && !workspace.has(path)) return;
                await workspace.setPinned(path, isPinned);
                this.#link?.post("context", this.#context.view());
            },
            openFile: ({path, line}) => shown(openPath(workspace, path, line)),
            openLink: ({url}) => openLink(url),
            remedy: ({remedy, conversation}) =>
                this.#remedy(remedy, conversation).catch((error: unknown) => showError(error, log)),
        };
    }

    async #tellAll(): Promise<void> {
        const link = this.#link;
        if (link === undefined) return;
        const {l10n} = vscode;
        link.post(
            "texts",
            Object.fromEntries(
                Object.entries(l10n.bundle ?? {}).filter(
                    (entry): entry is [string, string] => typeof entry[1] === "string",
                ),
            ),
        );
        link.post(
            "commands",
            slashCommands.map(({name, summary}) => ({name, summary: l10n.t(summary)})),
        );
        link.post("context", this.#context.view());
        this.#tellEngine();
        await (this.#restored ??= this.#restore());
        link.post("conversation", this.session.view());
        const error = this.session.error();
        if (error !== undefined) link.post("unsaved", {error});
        this.#tellReviews();
        this.#isReady = true;
        for (const resolve of this.#whenReady.splice(0)) resolve();
        await this.#tellColours();
    }

    /** The conversation of the last time, unless one has begun meanwhile. */
    async #restore(): Promise<void> {
        const id = this.#ctx.workspaceState.get<string>(shownKey);
        if (id === undefined || this.session.shown.turns.length > 0) return;
        await this.session
            .show(id)
            .catch((error: unknown) => this.#ctx.log.warn("The last conversation could not be read.", error));
    }

    #tellEngineSoon(): void {
        if (this.#link === undefined) return;
        this.#engineTimer ??= setTimeout(() => {
            this.#engineTimer = undefined;
            this.#tellEngine();
        }, engineMs);
    }

    #tellEngine(): void {
        const {engine, workspace, settings} = this.#ctx;
        const {remote} = settings.engine();
        this.#link?.post(
            "engine",
            engineView({
                connection: engine.connection(),
                status: engine.status(),
                isTrusted: vscode.workspace.isTrusted,
                hasFolder: (vscode.workspace.workspaceFolders ?? []).length > 0,
                known: workspace.state().known,
                server: remote && (URL.canParse(remote.baseUrl) ? new URL(remote.baseUrl).host : remote.baseUrl),
            }),
        );
    }

    #tellReviews(): void {
        if (this.#link === undefined) return;
        const all = this.#reviews.all();
        for (const id of this.#conversationOf.keys())
            if (this.#reviews.get(id) === undefined) this.#conversationOf.delete(id);
        for (const {id} of all) if (!this.#conversationOf.has(id)) this.#conversationOf.set(id, this.session.shown.id);
        this.#link.post(
            "reviews",
            all.map((review) => reviewView(review, this.#conversationOf.get(review.id) ?? "")),
        );
    }

    async #tellColours(): Promise<void> {
        try {
            this.#link?.post("colours", await themeColours());
        } catch (error) {
            // A theme in a form that nobody knows: the page keeps the colours it derives from the editor's variables.
            this.#ctx.log.debug(`The theme's colours could not be read: ${String(error)}`);
        }
    }

    #showFailure(error: unknown): void {
        if (isKvasirError(error, "usage")) {
            this.tell(
                [error.message.charAt(0).toUpperCase() + error.message.slice(1), error.fix].filter(Boolean).join(" "),
            );
            return;
        }
        void showError(error, this.#ctx.log);
    }

    async #remedy(remedy: Remedy, conversation: string | undefined): Promise<void> {
        const run = (command: string, ...args: unknown[]) => vscode.commands.executeCommand(command, ...args);
        switch (remedy) {
            case "retry": {
                const last = this.session.shown.turns.at(-1);
                if (last !== undefined && conversation === this.session.shown.id)
                    await this.session.again(conversation, last.id);
                return;
            }
            case "newConversation":
                return this.session.startNew();
            case "chooseModel":
                await run("kvasir.chooseModel" satisfies CommandId);
                return;
            case "restartEngine":
                await run("kvasir.restartEngine" satisfies CommandId);
                return;
            case "doctor":
                await run("kvasir.doctor" satisfies CommandId);
                return;
            case "showLog":
                await run("kvasir.showLog" satisfies CommandId);
                return;
            case "resume":
                await run("kvasir.resume" satisfies CommandId);
                return;
            case "settings":
                await run("workbench.action.openSettings", "kvasir");
                return;
            case "trust":
                await run("workbench.trust.manage");
                return;
            case "openFolder":
                await run("workbench.action.files.openFolder");
                return;
        }
    }
}
