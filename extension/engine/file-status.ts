/** What the cache view shows of each file: where its rows are, what they cost, which lines were kept. */
import type {FileStatus, KeptLines} from "../protocol/engine.js";
import type {LoadedEngine} from "./loaded-engine.js";
import {partsOf} from "./reading.js";
import type {KnownWorkspace} from "./workspace/known-workspace.js";

/** @param whyNotRefined of a file whose refinement was given up */
export async function fileStatuses(
    engine: LoadedEngine | undefined,
    workspace: KnownWorkspace,
    whyNotRefined: (path: string) => string | undefined = () => undefined,
): Promise<FileStatus[]> {
    const statuses: FileStatus[] = [];
    for (const file of workspace.files.values()) {
        const status: FileStatus = {
            path: file.path,
            tokens: workspace.tokensOf(file.path),
            keptRows: 0,
            bytes: 0,
            fullBytes: 0,
            tier: "known",
            refined: false,
            pinned: workspace.pinned.includes(file.path),
            hits: file.hits,
            ...(file.budget === undefined ? {} : {budget: file.budget}),
            ...(file.lastAttendedMs === undefined ? {} : {lastAttendedMs: file.lastAttendedMs}),
        };
        if (engine) {
            status.fullBytes = status.tokens * engine.context.fullBytesPerToken;
            await addRows(status, engine, workspace);
            const reason = status.refined ? undefined : whyNotRefined(file.path);
            if (reason !== undefined) status.notRefined = reason;
        }
        statuses.push(status);
    }
    for (const [path, reason] of workspace.skipped)
        statuses.push({
            path,
            tokens: 0,
            keptRows: 0,
            bytes: 0,
            fullBytes: 0,
            tier: "known",
            refined: false,
            pinned: false,
            hits: 0,
            reason,
        });
    return statuses;
}

async function addRows(status: FileStatus, engine: LoadedEngine, workspace: KnownWorkspace): Promise<void> {
    // Only what has been tokenised can have rows: identities are made from tokens.
    if (!workspace.isTokenised(status.path)) return;
    const parts = [...partsOf(workspace, [status.path])];
    let nResident = 0;
    let nOnDisk = 0;
    let nRefined = 0;
    for (const {path, index} of parts) {
        const identity = await engine.library.identity({workspace, path, index});
        const segment = engine.store.peek(identity);
        if (segment) {
            nResident++;
            status.keptRows += segment.keptRows;
            status.bytes += segment.bytes;
        } else if (await engine.store.isOnDisk(identity)) nOnDisk++;
        if ((engine.store.generationOf(identity) ?? 0) > 0) nRefined++;
    }
    status.refined = parts.length > 0 && nRefined === parts.length;
    if (nResident === parts.length) status.tier = "memory";
    else if (nResident + nOnDisk === parts.length) status.tier = "disk";
}

/** Per line of the text that was read, the mean share of its tokens' rows that was kept. */
export async function keptLines(
    engine: LoadedEngine,
    workspace: KnownWorkspace,
    path: string,
    text: string,
): Promise<KeptLines> {
    const isCurrent = workspace.files.get(path)?.text === text;
    const share: number[] = [];
    for (const {index} of partsOf(workspace, [path])) {
        const part = workspace.parts(path)[index]!;
        const segment = engine.store.peek(await engine.library.identity({workspace, path, index}));
        const kept = new Float64Array(part.tokens.length);
        if (segment)
            for (const list of segment.facts.keep)
                for (const token of list) kept[token]! += 1 / segment.facts.keep.length;
        share.push(...byLine(engine, part.tokens, kept));
    }
    return {path, share, isCurrent};
}

function byLine(engine: LoadedEngine, tokens: Uint32Array, kept: Float64Array): number[] {
    const lines: {sum: number; n: number}[] = [{sum: 0, n: 0}];
    for (let i = 0; i < tokens.length; i++) {
        const line = lines.at(-1)!;
        line.sum += kept[i]!;
        line.n++;
        // A token may end several lines (blank ones).
        const nEnds = engine.detokenize([tokens[i]!]).split("\n").length - 1;
        for (let j = 0; j < nEnds; j++) lines.push({sum: 0, n: 0});
    }
    // The first line is the header, the last two are the blank lines behind the text.
    return lines.slice(1, -2).map(({sum, n}) => (n === 0 ? 0 : sum / n));
}
