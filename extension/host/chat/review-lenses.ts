/** "Accept | Reject" above each proposed change in the file itself. Diff editors have lenses only for those who switch them on. */
import * as vscode from "vscode";
import type {CommandId} from "../commands/command-ids.js";
import type {Reviews} from "./reviews.js";
import {reviewScheme} from "./reviews.js";

export function registerReviewLenses(reviews: Reviews): vscode.Disposable {
    const provider: vscode.CodeLensProvider = {
        onDidChangeCodeLenses: reviews.onDidChangeReviews,
        provideCodeLenses({uri, lineCount}) {
            return reviews.changesIn(uri).flatMap(({review, path, hunk, start}) => {
                const line = Math.min(start, Math.max(0, lineCount - 1));
                const lens = (title: string, command: CommandId) =>
                    new vscode.CodeLens(new vscode.Range(line, 0, line, 0), {
                        title,
                        command,
                        arguments: [review, path, hunk.id],
                    });
                return [
                    lens(
                        vscode.l10n.t("Accept (+{0} −{1})", hunk.added.length, hunk.removed.length),
                        "kvasir.diff.acceptHunk",
                    ),
                    lens(vscode.l10n.t("Reject"), "kvasir.diff.rejectHunk"),
                    ...(uri.scheme === reviewScheme ? [] : [lens(vscode.l10n.t("Show"), "kvasir.diff.show")]),
                ];
            });
        },
    };
    return vscode.languages.registerCodeLensProvider(
        [{scheme: "file"}, {scheme: "vscode-remote"}, {scheme: reviewScheme}],
        provider,
    );
}
