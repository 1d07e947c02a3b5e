/** "Accept | Reject" above each proposed change, in the file itself and in its diff. */
import * as vscode from "vscode";
import type {CommandId} from "../commands/command-ids.js";
import type {Reviews} from "./reviews.js";
import {reviewScheme} from "./reviews.js";

export function registerReviewLenses(reviews: Reviews): vscode.Disposable {
    const provider: vscode.CodeLensProvider = {
        onDidChangeCodeLenses: reviews.onDidChangeReviews,
        provideCodeLenses(document) {
            const isProposed = document.uri.scheme === reviewScheme;
            return reviews.reviewsOf(document.uri).flatMap((review) =>
                review.files
                    .filter(({path}) => document.uri.path.endsWith(`/${path}`))
                    .flatMap(({path, hunks}) =>
                        hunks.flatMap((hunk) => {
                            const line = Math.min(
                                isProposed ? hunk.newStart : hunk.start,
                                Math.max(0, document.lineCount - 1),
                            );
                            const range = new vscode.Range(line, 0, line, 0);
                            const {length: nAdded} = hunk.added;
                            const {length: nRemoved} = hunk.removed;
                            const lens = (title: string, command: CommandId) =>
                                new vscode.CodeLens(range, {title, command, arguments: [review.id, path, hunk.id]});
                            return [
                                lens(vscode.l10n.t("Accept (+{0} −{1})", nAdded, nRemoved), "kvasir.diff.acceptHunk"),
                                lens(vscode.l10n.t("Reject"), "kvasir.diff.rejectHunk"),
                                new vscode.CodeLens(range, {
                                    title: vscode.l10n.t("Show"),
                                    command: "kvasir.diff.show" satisfies CommandId,
                                    arguments: [review.id, path],
                                }),
                            ];
                        }),
                    ),
            );
        },
    };
    return vscode.languages.registerCodeLensProvider(
        [{scheme: "file"}, {scheme: "vscode-remote"}, {scheme: reviewScheme}],
        provider,
    );
}
