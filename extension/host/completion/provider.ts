/**
 * Owns what VS Code asks of inline completions: whether here is a place for one, what is shown, and what became of it.
 * Must not know how a completion is made.
 */
import * as vscode from "vscode";
import {type CompletionSituation, type WhyNot, whyNot} from "../../core/completion/eligibility.js";
import type {Remaining} from "../../core/completion/type-through.js";
import {isSecretPath} from "../../core/files/secrets.js";
import {toKvasirError} from "../../protocol/errors.js";
import type {CommandId} from "../commands/command-ids.js";
import type {Ctx} from "../ctx.js";
import type {Completer, CompletionAsk, Offer} from "./completer.js";
import type {CompletionState} from "./completion-state.js";
import {isCopilotOn} from "./copilot.js";
import {type DocumentPlace, isWritable, lengthOf, placeOf} from "./document-place.js";

/** Of the answer, and the suggestion's length when it is not the one that was counted as shown: that is the first. */
type AcceptedArguments = [id: string, length?: number];

export class CompletionProvider implements vscode.InlineCompletionItemProvider {
    readonly #ctx: Ctx;
    readonly #completer: Completer;
    readonly #state: CompletionState;

    constructor(ctx: Ctx, completer: Completer, state: CompletionState) {
        this.#ctx = ctx;
        this.#completer = completer;
        this.#state = state;
    }

    async provideInlineCompletionItems(
        document: vscode.TextDocument,
        position: vscode.Position,
        context: vscode.InlineCompletionContext,
        token: vscode.CancellationToken,
    ): Promise<vscode.InlineCompletionItem[] | undefined> {
        const isInvoked = context.triggerKind === vscode.InlineCompletionTriggerKind.Invoke;
        const reason = whyNot(this.#situation(document, position, isInvoked));
        this.#state.set({whyNot: lasting(reason)});
        if (reason !== undefined || this.#isEngineGone(isInvoked)) return undefined;

        const {selectedCompletionInfo: selected} = context;
        const where = placeOf(document, position, (uri) => this.#ctx.workspace.pathOf(uri), selected);
        const ask = this.#askFor(where, document, isInvoked);
        const offer = await this.#offer(ask, token);
        if (offer === undefined || token.isCancellationRequested) return undefined;

        this.#state.count({
            kind: "shown",
            id: offer.id,
            languageId: document.languageId,
            document: document.uri.toString(),
            offset: document.offsetAt(position),
            text: offer.text,
        });
        void this.#completer.fetchAhead(ask, offer);
        return [
            itemOf(offer, [offer.id], position, selected),
            ...offer.others.map((other) => itemOf(other, [offer.id, other.text.length], position, selected)),
        ];
    }

    /** Why nothing would be offered at a place while typing, for the status bar. */
    whyNotAt(document: vscode.TextDocument, position: vscode.Position): WhyNot | undefined {
        return lasting(whyNot(this.#situation(document, position, false)));
    }

    #situation(document: vscode.TextDocument, position: vscode.Position, isInvoked: boolean): CompletionSituation {
        const {settings} = this.#ctx;
        const {languageId} = document;
        return {
            isEnabled: settings.get("completion.enabled", document),
            languages: settings.get("completion.languages"),
            languageId,
            isWritable: isWritable(document),
            isTrusted: vscode.workspace.isTrusted,
            length: lengthOf(document),
            isSecret: isSecretPath(document.uri.path),
            isSnoozed: this.#state.isSnoozed,
            isCopilotOn: isCopilotOn(languageId),
            besideCopilot: settings.get("completion.besideCopilot"),
            isInvoked,
            lineAfter: document.lineAt(position.line).text.slice(position.character),
        };
    }

    #askFor({place, path}: DocumentPlace, document: vscode.TextDocument, isInvoked: boolean): CompletionAsk {
        const {settings, workspace} = this.#ctx;
        return {
            place,
            isInvoked,
            request: {
                workspace: workspace.id,
                path,
                choice: workspace.choice(),
                maxTokens: settings.get("completion.maxTokens"),
                // Where the syntax calls for it is the engine's to say, which cuts the text.
                multiLine: settings.get("completion.multiLine", document),
            },
        };
    }

    async #offer(ask: CompletionAsk, token: vscode.CancellationToken): Promise<Offer | undefined> {
        const abort = new AbortController();
        const listening = token.onCancellationRequested(() => abort.abort());
        try {
            const offer = await this.#completer.complete(ask, abort.signal);
            this.#state.set({error: undefined});
            return offer;
        } catch (error) {
            // Said in the status bar and the log; a message box per key would be worse than no completion.
            this.#ctx.log.warn("A completion failed.", error);
            this.#state.set({error: toKvasirError(error)});
            return undefined;
        } finally {
            listening.dispose();
        }
    }

    /** After a failed start typing does not start the engine again and again; asking for a completion does. */
    #isEngineGone(isInvoked: boolean): boolean {
        const {name} = this.#ctx.engine.connection();
        return !isInvoked && (name === "failed" || name === "waiting");
    }
}

/** What the next key may change is no state to show, and a snooze shows itself. */
function lasting(reason: WhyNot | undefined): WhyNot | undefined {
    return reason === "mid-word" || reason === "snoozed" ? undefined : reason;
}

/**
 * The item begins where VS Code wants it to: at the cursor, or at the word chosen in the list of suggestions.
 * @param accepted the arguments of the command that counts it
 */
function itemOf(
    {text, overwrite}: Remaining,
    accepted: AcceptedArguments,
    position: vscode.Position,
    selected: vscode.SelectedCompletionInfo | undefined,
): vscode.InlineCompletionItem {
    const start = selected?.range.start ?? position;
    const end = (selected?.range.end ?? position).translate(0, overwrite);
    return new vscode.InlineCompletionItem((selected?.text ?? "") + text, new vscode.Range(start, end), {
        command: "kvasir.completion.accepted" satisfies CommandId,
        title: vscode.l10n.t("Completion Accepted"),
        arguments: accepted,
    });
}
