/** Which files a question may see: those named with --context and no others, or the whole workspace. */
import type {ContextChoice, EngineApi, LeftOutFile} from "../../protocol/engine.js";
import {openWorkspace} from "../workspace-files.js";

export interface QuestionScope {
    choice: ContextChoice;
    /** Named files that cannot be read: left out of every answer, and said. */
    leftOut: LeftOutFile[];
}

/**
 * Makes the files known to the engine.
 * @param context paths as given with --context
 * @throws KvasirError `file-missing`; the signal's reason
 */
export async function openQuestionScope(
    engine: EngineApi,
    root: string,
    context: readonly string[] | undefined,
    signal: AbortSignal,
): Promise<QuestionScope> {
    const {files, skipped} = await openWorkspace(engine, root, context, signal);
    if (context === undefined) return {choice: {}, leftOut: []};
    return {
        choice: {context: files.map((file) => file.path), onlyNamed: true},
        // Whatever an ignore rule takes from a named folder was not asked for.
        leftOut: skipped.filter(({reason}) => reason !== "excluded").map(({path, reason}) => ({path, why: reason})),
    };
}
