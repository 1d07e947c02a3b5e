/** Owns what a person has decided about files (pinned, left out, own budget), kept with the workspace. */
import type * as vscode from "vscode";
import * as z from "zod";

const marksSchema = z.object({
    pinned: z.array(z.string()).default([]),
    excluded: z.array(z.string()).default([]),
    budgets: z.record(z.string(), z.number().gt(0).lte(1)).default({}),
});
export type FileMarks = z.infer<typeof marksSchema>;

const key = "kvasir.fileMarks";

export class MarkedFiles {
    readonly #state: vscode.Memento;
    #marks: FileMarks;

    constructor(state: vscode.Memento) {
        this.#state = state;
        // Written by another version, or damaged: the marks are gone, the files are not.
        this.#marks = marksSchema.safeParse(state.get(key)).data ?? {pinned: [], excluded: [], budgets: {}};
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

function withOrWithout(paths: readonly string[], path: string, isIn: boolean): string[] {
    const others = paths.filter((other) => other !== path);
    return isIn ? [...others, path] : others;
}
