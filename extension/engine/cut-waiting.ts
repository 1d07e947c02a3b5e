/** Cuts what was kept whole until a head profile was known, and mends the report of the read. */
import type {ReadReport} from "../protocol/engine.js";
import type {LoadedEngine} from "./loaded-engine.js";
import {partsOf} from "./reading.js";
import type {Segment} from "./kv/segment.js";
import type {KnownWorkspace} from "./workspace/known-workspace.js";

export async function cutWaiting(
    engine: LoadedEngine,
    workspace: KnownWorkspace,
    report: ReadReport,
): Promise<ReadReport> {
    const waiting = engine.store
        .entries()
        .map(({key}) => engine.store.peek(key))
        .filter((segment): segment is Segment => segment?.facts.evidence !== undefined);
    for (const segment of waiting) {
        const {path, part, identity} = segment.facts;
        if (workspace.parts(path).length !== part.count) continue;
        await engine.library.cutNow({workspace, path, index: part.index}, segment);
        engine.store.drop(identity);
    }
    const files = [];
    for (const file of report.files) {
        let keptRows = 0;
        let bytes = 0;
        for (const {path, index} of partsOf(workspace, [file.path])) {
            const {segment} = await engine.library.fetch({workspace, path, index});
            keptRows += segment.keptRows;
            bytes += segment.bytes;
        }
        files.push({...file, keptRows, bytes});
    }
    return {...report, files, totals: {...report.totals, bytes: files.reduce((sum, {bytes}) => sum + bytes, 0)}};
}
