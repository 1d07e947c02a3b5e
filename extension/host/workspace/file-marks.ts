/** Owns what a person has decided about files (pinned, left out, own budget), kept with the workspace. */
import type * as vscode from "vscode";

export interface FileMarks {
    pinned: readonly string[];
    excluded: readonly string[];
    /** Shares in (0, 1]. */
    budgets: Readonly<Record<string, number>>;
}

const key = "kvasir.fileMarks";

export class MarkedFiles {
    readonly #state: vscode.Memento;
    #marks: FileMarks;

    constructor(state: vscode.Memento) {
        this.#state = state;
        // Written by another version, or damaged: the marks are gone, the files are not.
        this.#marks = marksFrom(state.get(key));
    }

    get marks(): Readonly<FileMarks> {
        return this.#marks;
    }

    async setPinned(path: string, isPinned: boolean): Promise<void> {
        await this.#save({
            ...this.#marks,
            pinned: withOrWithout(this.#marks.pinned, path, isPinned),
            // A file cannot always and never be seen: the last word counts.
            excluded: isPinned ? withOrWithout(this.#marks.excluded, path, false) : this.#marks.excluded,
        });
    }

    async setExcluded(path: string, isExcluded: boolean): Promise<void> {
        await this.#save({
            ...this.#marks,
            excluded: withOrWithout(this.#marks.excluded, path, isExcluded),
            pinned: isExcluded ? withOrWithout(this.#marks.pinned, path, false) : this.#marks.pinned,
        });
    }

    async setBudget(path: string, share: number | undefined): Promise<void> {
        const {[path]: _, ...others} = this.#marks.budgets;
        await this.#save({...this.#marks, budgets: share === undefined ? others : {...others, [path]: share}});
    }

    async #save(marks: FileMarks): Promise<void> {
        this.#marks = marks;
        await this.#state.update(key, marks);
    }
}

/** By hand: a schema library would be loaded with every window for these three. */
function marksFrom(kept: unknown): FileMarks {
    const {pinned, excluded, budgets} = (typeof kept === "object" && kept !== null ? kept : {}) as Record<
        keyof FileMarks,
        unknown
    >;
    const paths = (value: unknown) =>
        Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : [];
    const shares = Object.entries(typeof budgets === "object" && budgets !== null ? budgets : {}).filter(
        (entry): entry is [string, number] => typeof entry[1] === "number" && entry[1] > 0 && entry[1] <= 1,
    );
    return {pinned: paths(pinned), excluded: paths(excluded), budgets: Object.fromEntries(shares)};
}

function withOrWithout(paths: readonly string[], path: string, isIn: boolean): string[] {
    const others = paths.filter((other) => other !== path);
    return isIn ? [...others, path] : others;
}
