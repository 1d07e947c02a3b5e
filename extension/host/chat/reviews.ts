/**
 * Reviews in the editor: shows what is proposed beside what is there, writes what is accepted through workspace edits (so
 * that undo takes it back), and follows the files while others change them. What a decision means is core/chat/edit/review.ts.
 */
import {randomUUID} from "node:crypto";
import * as vscode from "vscode";
import {splitLines, type Hunk} from "../../core/chat/edit/hunk.js";
import {
    accept,
    createReview,
    follow,
    isOpen,
    isReviewOpen,
    reject,
    type Review,
    type ReviewFile,
} from "../../core/chat/edit/review.js";
import {KvasirError} from "../../protocol/errors.js";
import {disposeAll} from "../feature.js";
import type {WorkspaceFiles} from "../workspace/workspace-files.js";
import {documentOf, safeUri, textToChange} from "./workspace-text.js";

export const reviewScheme = "kvasir-review";

export interface ProposedFile {
    path: string;
    /** undefined removes the file. */
    proposed: string | undefined;
    /** Parts of the answer that have no place in it. */
    nMissing: number;
}

export interface OpenReview extends Review {
    /** The answer that it comes from. */
    turn: string | undefined;
    missing: ReadonlyMap<string, number>;
}

/** A change that waits for a decision, and its lines [start, end) in a document. */
export interface ReviewChange {
    review: string;
    path: string;
    hunk: Hunk;
    start: number;
    end: number;
}

export class Reviews implements vscode.TextDocumentContentProvider, vscode.Disposable {
    readonly #workspace: WorkspaceFiles;
    readonly #open = new Map<string, OpenReview>();
    readonly #changed = new vscode.EventEmitter<void>();
    readonly #proposedChanged = new vscode.EventEmitter<vscode.Uri>();
    readonly #listening: vscode.Disposable;
    /** Files that are being written by a decision: their changes are not somebody else's. */
    readonly #writing = new Set<string>();

    readonly onDidChange = this.#proposedChanged.event;
    /** Something was proposed, decided or overtaken. */
    readonly onDidChangeReviews = this.#changed.event;

    constructor(workspace: WorkspaceFiles) {
        this.#workspace = workspace;
        this.#listening = disposeAll(
            vscode.workspace.registerTextDocumentContentProvider(reviewScheme, this),
            vscode.workspace.onDidChangeTextDocument(({document, contentChanges}) => {
                if (contentChanges.length > 0) this.#follow(document.uri, document.getText());
            }),
            vscode.workspace.onDidDeleteFiles(({files}) => {
                for (const uri of files) this.#follow(uri, undefined);
            }),
            vscode.workspace.onDidCreateFiles(async ({files}) => {
                for (const uri of files) this.#follow(uri, (await documentOf(uri))?.getText());
            }),
        );
    }

    all(): OpenReview[] {
        return [...this.#open.values()];
    }

    get(id: string): OpenReview | undefined {
        return this.#open.get(id);
    }

    /** Proposes the texts for review. @throws KvasirError `usage` when nothing would change */
    async propose(
        title: string,
        turn: string | undefined,
        files: readonly ProposedFile[],
        options: {isShown?: boolean} = {},
    ): Promise<OpenReview> {
        const texts = await Promise.all(files.map(async (file) => ({...file, current: await this.#textOf(file.path)})));
        const review = createReview(randomUUID(), title, texts);
        if (!isReviewOpen(review)) {
            throw new KvasirError("usage", "the file already says this: there is nothing to change.");
        }
        const open = {...review, turn, missing: new Map(files.map(({path, nMissing}) => [path, nMissing]))};
        // One proposal for a file at a time: an older one for the same answer and files is replaced.
        for (const other of this.all()) {
            const isReplaced =
                other.turn === turn && other.files.every(({path}) => files.some((file) => file.path === path));
            if (isReplaced) await this.close(other.id);
        }
        this.#open.set(open.id, open);
        this.#tell();
        if (options.isShown !== false) await this.show(open.id);
        return open;
    }

    /** Opens the diff editor: of one file, or of all files of the review. */
    async show(id: string, path?: string): Promise<void> {
        const review = this.#open.get(id);
        const files = review?.files.filter((file) => (path === undefined || file.path === path) && isOpen(file)) ?? [];
        const [first] = files;
        if (review === undefined || first === undefined) {
            const uri = path === undefined ? undefined : safeUri(this.#workspace, path);
            if (uri !== undefined) await vscode.window.showTextDocument(uri, {preview: true});
            return;
        }
        if (files.length === 1) {
            const [left, right] = this.#sides(review, first);
            const title = vscode.l10n.t("{0} (proposed)", first.path);
            const line = first.hunks[0]?.newStart ?? 0;
            await vscode.commands.executeCommand("vscode.diff", left, right, title, {
                preview: true,
                selection: new vscode.Range(line, 0, line, 0),
            } satisfies vscode.TextDocumentShowOptions);
            return;
        }
        const resources = files.map((file) => [safeUri(this.#workspace, file.path), ...this.#sides(review, file)]);
        await vscode.commands.executeCommand("vscode.changes", review.title, resources);
    }

    /**
     * Takes or leaves one hunk, one file or all.
     * @throws KvasirError `file-changed` when the file could not be written
     */
    async decide(id: string, isAccepted: boolean, path?: string, hunkId?: string): Promise<void> {
        // What happened to the file while no document of it was open.
        for (const {path: other} of this.#open.get(id)?.files ?? []) await this.#lookAgain(other);
        const review = this.#open.get(id);
        if (review === undefined) return;
        const wanted = review.files.filter((file) => path === undefined || file.path === path);
        if (!isAccepted) {
            const left = new Map(wanted.map((file) => [file.path, reject(file, hunkId)]));
            this.#put(review, (file) => left.get(file.path));
            await this.#afterDecision(id);
            return;
        }
        const taken = wanted.flatMap((file) => {
            const step = accept(file, hunkId);
            return step === undefined ? [] : [{before: file, ...step}];
        });
        if (taken.length === 0) return;
        const edit = new vscode.WorkspaceEdit();
        for (const {before, decision} of taken) this.#addEdit(edit, before, decision.text, hunkId);
        for (const {before} of taken) this.#writing.add(before.path);
        try {
            // The review knows first, so that the change of the document is no news to it.
            this.#put(review, (file) => taken.find(({before}) => before === file)?.file);
            if (!(await vscode.workspace.applyEdit(edit))) {
                this.#put(this.#open.get(id), (file) => taken.find(({before}) => before.path === file.path)?.before);
                throw new KvasirError("file-changed", "the change could not be written.", {
                    fix: "The file may be read-only or open elsewhere; look at the diff and try again.",
                });
            }
        } finally {
            for (const {before} of taken) this.#writing.delete(before.path);
        }
        await this.#afterDecision(id);
    }

    async close(id: string): Promise<void> {
        if (!this.#open.delete(id)) return;
        await this.#closeTabs(id, undefined);
        this.#tell();
    }

    /** What is proposed in this document, which is a file or a proposal for one: its lines there, from 0, in order. */
    changesIn(document: vscode.Uri): ReviewChange[] {
        const isProposed = document.scheme === reviewScheme;
        return this.all().flatMap((review) =>
            review.files
                .filter((file) => this.#holds(review, file, document))
                .flatMap(({path, hunks}) =>
                    hunks.map((hunk) => ({
                        review: review.id,
                        path,
                        hunk,
                        start: isProposed ? hunk.newStart : hunk.start,
                        end: isProposed ? hunk.newEnd : hunk.end,
                    })),
                ),
        );
    }

    /** The change at the cursor of a diff editor, or of the file itself. */
    changeAt({document, selection}: vscode.TextEditor): ReviewChange | undefined {
        const {line} = selection.active;
        // An empty range is the line at which something is put in or taken out.
        return this.changesIn(document.uri).find(({start, end}) => line >= start && line < Math.max(end, start + 1));
    }

    /** Open reviews that hold this document, as file or as proposal. */
    reviewsOf(document: vscode.Uri): OpenReview[] {
        return this.all().filter((review) => review.files.some((file) => this.#holds(review, file, document)));
    }

    provideTextDocumentContent(uri: vscode.Uri): string | undefined {
        const {id, side, path} = parseReviewUri(uri);
        const file = this.#open.get(id)?.files.find((one) => one.path === path);
        // Of a review that is over nothing is known.
        return file === undefined ? undefined : ((side === "empty" ? undefined : file.proposed) ?? "");
    }

    dispose(): void {
        this.#listening.dispose();
        this.#changed.dispose();
        this.#proposedChanged.dispose();
    }

    #sides(review: OpenReview, file: ReviewFile): [vscode.Uri, vscode.Uri] {
        const uri = safeUri(this.#workspace, file.path);
        // A file that is not there yet has an empty side of its own.
        const left = file.current === undefined || uri === undefined ? reviewUri(review.id, file.path, "empty") : uri;
        return [left, this.#proposedUri(review, file)];
    }

    /** As the file or as what is proposed for it. */
    #holds(review: OpenReview, file: ReviewFile, document: vscode.Uri): boolean {
        const uri =
            document.scheme === reviewScheme ? this.#proposedUri(review, file) : safeUri(this.#workspace, file.path);
        return uri?.toString() === document.toString();
    }

    #proposedUri({id}: Review, {path}: ReviewFile): vscode.Uri {
        return reviewUri(id, path, "proposed");
    }

    async #textOf(path: string): Promise<string | undefined> {
        const uri = safeUri(this.#workspace, path);
        return uri === undefined ? undefined : textToChange(uri);
    }

    #addEdit(edit: vscode.WorkspaceEdit, file: ReviewFile, text: string | undefined, hunkId: string | undefined): void {
        const uri = safeUri(this.#workspace, file.path);
        if (uri === undefined) return;
        if (text === undefined) {
            edit.deleteFile(uri, {ignoreIfNotExists: true});
            return;
        }
        if (file.current === undefined) {
            edit.createFile(uri, {ignoreIfExists: true});
            edit.insert(uri, new vscode.Position(0, 0), text);
            return;
        }
        const nLines = splitLines(file.current).length;
        for (const hunk of file.hunks) {
            if (hunkId !== undefined && hunk.id !== hunkId) continue;
            // Behind the last line there is no next one to begin at.
            const end = hunk.end >= nLines ? new vscode.Position(nLines, 0) : new vscode.Position(hunk.end, 0);
            edit.replace(uri, new vscode.Range(new vscode.Position(hunk.start, 0), end), hunk.added.join(""));
        }
    }

    async #lookAgain(path: string): Promise<void> {
        const uri = safeUri(this.#workspace, path);
        if (uri !== undefined) this.#follow(uri, await this.#textOf(path));
    }

    #follow(uri: vscode.Uri, text: string | undefined): void {
        const path = this.#workspace.pathOf(uri);
        if (path === undefined || this.#writing.has(path)) return;
        for (const review of this.all()) {
            if (review.files.some((file) => file.path === path)) {
                this.#put(review, (file) => (file.path === path ? follow(file, text) : undefined));
            }
        }
    }

    #put(review: OpenReview | undefined, change: (file: ReviewFile) => ReviewFile | undefined): void {
        if (review === undefined || !this.#open.has(review.id)) return;
        const files = review.files.map((file) => change(file) ?? file);
        if (files.every((file, index) => file === review.files[index])) return;
        this.#open.set(review.id, {...review, files});
        for (const file of files) this.#proposedChanged.fire(this.#proposedUri(review, file));
        this.#tell();
    }

    async #afterDecision(id: string): Promise<void> {
        const review = this.#open.get(id);
        if (review === undefined) return;
        for (const file of review.files) if (!isOpen(file)) await this.#closeTabs(id, file.path);
    }

    async #closeTabs(id: string, path: string | undefined): Promise<void> {
        const tabs = vscode.window.tabGroups.all
            .flatMap((group) => group.tabs)
            .filter(({input}) => {
                const uri = input instanceof vscode.TabInputTextDiff ? input.modified : undefined;
                if (uri?.scheme !== reviewScheme) return false;
                const review = parseReviewUri(uri);
                return review.id === id && (path === undefined || review.path === path);
            });
        if (tabs.length > 0) await vscode.window.tabGroups.close(tabs, true);
    }

    #tell(): void {
        const isReviewing = this.all().some(isReviewOpen);
        void vscode.commands.executeCommand("setContext", "kvasir.isReviewing", isReviewing);
        this.#changed.fire();
    }
}

/** The path keeps its ending, so that the proposal is highlighted like the file. */
function reviewUri(id: string, path: string, side: "proposed" | "empty"): vscode.Uri {
    return vscode.Uri.from({scheme: reviewScheme, path: `/${path}`, query: `${id}&${side}`});
}

function parseReviewUri(uri: vscode.Uri): {id: string; side: string; path: string} {
    const [id = "", side = ""] = uri.query.split("&");
    return {id, side, path: uri.path.replace(/^\//, "")};
}
