/** Writes a commit message into the box of the source control view, from what is staged or changed. */
import {randomUUID} from "node:crypto";
import * as vscode from "vscode";
import {cleanCommitMessage, commitQuestion} from "../../core/chat/commit-message.js";
import {usage} from "../../protocol/errors.js";
import type {Ctx} from "../ctx.js";
import {changesOf, lastSubjects, repositoryOf} from "./git.js";

/** A message is short; a model that does not end is stopped here. */
const maxTokens = 300;

/** @param place the source control that its button belongs to @throws KvasirError with the way out; the box is then as it was */
export async function writeCommitMessage(ctx: Ctx, place: unknown): Promise<void> {
    const repository = await repositoryOf(rootOf(place));
    if (repository === undefined) throw usage("there is no git repository.", "Open a folder that git knows.");
    const diff = await changesOf(repository);
    if (diff.trim() === "") throw usage("there are no changes to describe.", "Change or stage something first.");
    const question = commitQuestion(diff, await lastSubjects(repository, 5));
    const before = repository.inputBox.value;
    const conversation = `commit-${randomUUID()}`;
    await vscode.window.withProgress(
        {
            location: vscode.ProgressLocation.SourceControl,
            title: vscode.l10n.t("Kvasir writes the commit message"),
            cancellable: true,
        },
        async (_progress, token) => {
            const controller = new AbortController();
            token.onCancellationRequested(() => controller.abort());
            let written = "";
            try {
                const report = await ctx.engine.ask(
                    {
                        workspace: ctx.workspace.id,
                        conversation,
                        turns: [{role: "user", text: question}],
                        // The changes say it all; waiting for files would not pay.
                        choice: {onlyNamed: true},
                        maxTokens: Math.min(maxTokens, ctx.settings.get("chat.maxTokens")),
                        temperature: ctx.settings.get("chat.temperature"),
                    },
                    {
                        text: (piece) => {
                            written += piece;
                            repository.inputBox.value = cleanCommitMessage(written);
                        },
                    },
                    controller.signal,
                );
                const message = cleanCommitMessage(report.text);
                if (message === "") throw usage("the model wrote no message.", "Try again, or use a larger model.");
                repository.inputBox.value = message;
            } catch (error) {
                repository.inputBox.value = before;
                if (!controller.signal.aborted) throw error;
            } finally {
                ctx.engine
                    .forget(conversation)
                    .catch((error: unknown) => ctx.log.warn("Rows were not forgotten.", error));
            }
        },
    );
}

function rootOf(place: unknown): vscode.Uri | undefined {
    const root = typeof place === "object" && place !== null && "rootUri" in place ? place.rootUri : undefined;
    return root instanceof vscode.Uri ? root : undefined;
}
