/**
 * Brings the file parts that a question or completion sees into memory: from memory and disk at once, by reading as
 * long as the client will wait. What is still unread then is named, never silently missing.
 */
import type {AttendedFile, LeftOutFile, ReadProgress} from "../protocol/engine.js";
import {isKvasirError} from "../protocol/errors.js";
import type {Chosen, ChosenPart} from "./chooser.js";
import type {Segment} from "./kv/segment.js";
import type {LoadedEngine} from "./loaded-engine.js";
import {attendedFiles, Reading} from "./reading.js";
import type {Turn} from "./scheduler.js";
import type {Pin} from "./store/memory-tier.js";
import type {KnownWorkspace} from "./workspace/known-workspace.js";

export interface AttendOptions {
    turn: Turn;
    signal?: AbortSignal | undefined;
    /** How long reading files may take that Kvasir chose; 0 reads nothing. */
    waitMs: number;
    /** Whether files that the client named are read however long it takes. */
    isNamedAwaited: boolean;
    onProgress?: ((progress: ReadProgress) => void) | undefined;
}

export interface Attended {
    segments: Segment[];
    files: AttendedFile[];
    leftOut: LeftOutFile[];
    /** File tokens that were there already, and those that were read now. */
    reusedTokens: number;
    readTokens: number;
    /** Whether rows are uncut because no head profile is known yet. */
    isUncut: boolean;
    /** Segments stay in memory until this is called. */
    release: () => void;
}

export async function attend(
    engine: LoadedEngine,
    workspace: KnownWorkspace,
    {parts, leftOut}: Chosen,
    {turn, signal, waitMs, isNamedAwaited, onProgress}: AttendOptions,
): Promise<Attended> {
    const deadline = performance.now() + waitMs;
    const found: (ChosenPart & {segment: Segment})[] = [];
    const unread = new Map<string, string>();
    const pins: Pin<Segment>[] = [];
    let reusedTokens = 0;
    let readTokens = 0;
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), waitMs);
    const inTime = signal ? AbortSignal.any([signal, late.signal]) : late.signal;
    const isAwaited = ({why}: ChosenPart) => isNamedAwaited && why === "context";
    const sizes = parts.map(({path, nTokens}) => ({path, nTokens: () => nTokens}));
    const reading = new Reading(engine, workspace, {turn, onProgress}, sizes);
    try {
        // What is there already costs nothing, so it comes first, whatever its place; then what was asked for.
        const there = await Promise.all(parts.map(({path, index}) => engine.library.find({workspace, path, index})));
        const rank = (i: number) => (there[i] !== undefined ? 0 : isAwaited(parts[i]!) ? 1 : 2);
        const order = [...parts.keys()].sort((a, b) => rank(a) - rank(b));
        for (const i of order) {
            const part = parts[i]!;
            if (rank(i) === 2 && performance.now() >= deadline) {
                unread.set(part.path, "not read yet");
                continue;
            }
            try {
                const {segment, source} = await reading.part(part, isAwaited(part) ? signal : inTime);
                const pin = engine.store.pin(segment.facts.identity);
                if (pin) pins.push(pin);
                // A refined one may have taken its place just now: what is pinned is what stays.
                found.push({...part, segment: pin?.value ?? segment});
                if (source === "read") readTokens += segment.nTokens;
                else reusedTokens += segment.nTokens;
            } catch (error) {
                if (signal?.aborted || !isKvasirError(error)) throw error;
                if (error.code === "cancelled") unread.set(part.path, "not read yet");
                else if (error.code === "kv-limit" || error.code === "out-of-memory")
                    unread.set(part.path, "memory limit");
                else throw error;
            }
        }
    } catch (error) {
        for (const pin of pins) pin.release();
        throw error;
    } finally {
        clearTimeout(timer);
    }
    // In the order of the choice, so that the same choice composes the same regions.
    const inOrder = parts.flatMap((part) => found.filter((one) => one.path === part.path && one.index === part.index));
    return {
        segments: inOrder.map(({segment}) => segment),
        files: attendedFiles(inOrder),
        leftOut: [...[...unread].map(([path, why]) => ({path, why})), ...leftOut],
        reusedTokens,
        readTokens,
        isUncut: engine.library.waitsForProfile && inOrder.length > 0,
        release: () => pins.forEach((pin) => pin.release()),
    };
}
