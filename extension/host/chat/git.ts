/** What is needed of VS Code's own git extension: its changes, its last messages, its box for a message. */
import * as vscode from "vscode";

export interface Repository {
    rootUri: vscode.Uri;
    inputBox: {value: string};
    diff(cached?: boolean): Promise<string>;
    log(options: {maxEntries: number}): Promise<{message: string}[]>;
    state: {HEAD?: {commit?: string} | undefined};
}

interface GitApi {
    repositories: Repository[];
    getRepository(uri: vscode.Uri): Repository | null;
}

/** @returns undefined where there is no git, or it is switched off */
async function gitApi(): Promise<GitApi | undefined> {
    const extension = vscode.extensions.getExtension<{enabled: boolean; getAPI(version: 1): GitApi}>("vscode.git");
    if (extension === undefined) return undefined;
    const exports = await extension.activate();
    return exports.enabled ? exports.getAPI(1) : undefined;
}

/** The repository of a file or folder, else the only one, else the one of the editor. */
export async function repositoryOf(uri?: vscode.Uri): Promise<Repository | undefined> {
    const git = await gitApi();
    if (git === undefined) return undefined;
    const place = uri ?? vscode.window.activeTextEditor?.document.uri;
    const own = place === undefined ? null : git.getRepository(place);
    return own ?? git.repositories[0];
}

/** What is staged, else what is changed: what a commit would hold. "" when there is nothing. */
export async function changesOf(repository: Repository): Promise<string> {
    const staged = await repository.diff(true);
    return staged.trim() === "" ? repository.diff(false) : staged;
}

/** Subjects of the last commits, newest first; none in a new repository. */
export async function lastSubjects(repository: Repository, count: number): Promise<string[]> {
    if (repository.state.HEAD?.commit === undefined) return [];
    const commits = await repository.log({maxEntries: count});
    return commits.map(({message}) => message.split("\n", 1)[0] ?? "").filter((subject) => subject !== "");
}
