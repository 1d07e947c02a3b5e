/**
 * Brings into memory what the next question of a workspace will probably see, while nothing else wants the device: from
 * disk only, into free memory only. Guesses with the rules that choose for a question: pins, open editors and what they
 * import, the words of the last conversation; after a restart, what the last conversation on disk saw. A wrong guess costs
 * a few milliseconds of disk.
 */
import type {ChatTurn, ContextChoice} from "../protocol/engine.js";
import {isKvasirError} from "../protocol/errors.js";
import {type ChosenPart, choose} from "./chooser.js";
import type {LoadedEngine} from "./loaded-engine.js";
import type {Scheduler} from "./scheduler.js";
import type {KnownWorkspace} from "./workspace/known-workspace.js";

/** What is known of the next question. */
export interface Outlook {
    choice?: ContextChoice | undefined;
    turns?: readonly ChatTurn[] | undefined;
}

export interface PrefetchOptions {
    scheduler: Scheduler;
    loaded: () => LoadedEngine | undefined;
    workspace: (name: string) => KnownWorkspace | undefined;
    log: (level: "error" | "warn" | "info", message: string) => void;
}

type GuessedPart = Pick<ChosenPart, "path" | "index" | "nTokens">;

/** Edits and questions come in bursts; in between there is time. */
const pauseMs = 300;
/** Of all KV memory: stays free for questions and reads. */
const reservedShare = 0.25;

export class Prefetcher {
    readonly #options: PrefetchOptions;
    readonly #outlooks = new Map<string, Outlook>();
    readonly #timers = new Map<string, NodeJS.Timeout>();
    #stopping = new AbortController();

    constructor(options: PrefetchOptions) {
        this.#options = options;
    }

    /** Something about the next question of this workspace has become known. */
    expect(workspace: string, outlook: Outlook): void {
        this.#outlooks.set(workspace, {...this.#outlooks.get(workspace), ...outlook});
        clearTimeout(this.#timers.get(workspace));
        const timer = setTimeout(() => {
            this.#timers.delete(workspace);
            this.#prefetch(workspace).catch((error: unknown) => {
                if (!isKvasirError(error, "cancelled"))
                    this.#options.log("warn", `what was stored could not be loaded ahead: ${(error as Error).message}`);
            });
        }, pauseMs);
        timer.unref();
        this.#timers.set(workspace, timer);
    }

    forget(workspace: string): void {
        clearTimeout(this.#timers.get(workspace));
        this.#timers.delete(workspace);
        this.#outlooks.delete(workspace);
    }

    /** Nothing is loaded any more until something new is known. */
    stop(): void {
        for (const timer of this.#timers.values()) clearTimeout(timer);
        this.#timers.clear();
        this.#stopping.abort();
        this.#stopping = new AbortController();
    }

    async #prefetch(name: string): Promise<void> {
        const engine = this.#options.loaded();
        const workspace = this.#options.workspace(name);
        const outlook = this.#outlooks.get(name);
        if (engine === undefined || workspace === undefined || outlook === undefined) return;
        const {signal} = this.#stopping;
        const parts: GuessedPart[] = choose(workspace, {
            choice: {...outlook.choice, onlyNamed: false},
            budgetTokens: engine.settings.attendedTokens,
            ...(outlook.turns === undefined ? {} : {turns: outlook.turns}),
        }).parts;
        // Nothing has been asked yet in this run.
        if (outlook.turns === undefined) parts.push(...(await seenLately(engine, workspace)));
        const stored: GuessedPart[] = [];
        for (const part of parts) if ((await engine.library.find({workspace, ...part})) === "disk") stored.push(part);
        // Most of the time everything is there: then the device is not asked for.
        if (stored.length === 0 || signal.aborted) return;
        await this.#options.scheduler.run(
            "refine",
            async (turn) => {
                for (const part of stored) {
                    if (signal.aborted || this.#options.loaded() !== engine) return;
                    if (!hasRoom(engine, part.nTokens)) return;
                    await engine.library.load({workspace, ...part});
                    await turn.yield();
                }
            },
            {signal, client: name},
        );
    }
}

/** Parts of this workspace's files that the last conversation about any of them saw. */
async function seenLately(engine: LoadedEngine, workspace: KnownWorkspace): Promise<GuessedPart[]> {
    for await (const entries of engine.turns?.seenLately() ?? []) {
        const known = entries.filter(
            ({path, part}) => !workspace.excluded.has(path) && part.index < workspace.parts(path).length,
        );
        if (known.length > 0) return known.map(({path, part, nTokens}) => ({path, index: part.index, nTokens}));
    }
    return [];
}

/** Never pushes anything out: what is in memory was wanted by somebody, this is only a guess. */
function hasRoom({context}: LoadedEngine, nTokens: number): boolean {
    const {limitBytes, usedBytes} = context.memory();
    return usedBytes + nTokens * context.bytesPerToken <= limitBytes * (1 - reservedShare);
}
