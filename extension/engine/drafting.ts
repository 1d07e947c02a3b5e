/**
 * The text that an answer may repeat, for drafts by prompt lookup: edits and completions write much of what stands in
 * the attended files and in the prompt again. The addon looks the drafts up and has the model verify them.
 */
import type {Segment} from "./kv/segment.js";
import type {KnownWorkspace} from "./workspace/known-workspace.js";

/**
 * @param segments what the answer attends
 * @param prompt   everything behind the files; the text ends with it, as the answer goes on from there
 * @returns tokens, one file behind the other
 */
export function draftText(workspace: KnownWorkspace, segments: readonly Segment[], prompt: Uint32Array): Uint32Array {
    const files = segments.flatMap(({facts}) => workspace.parts(facts.path)[facts.part.index]?.tokens ?? []);
    const text = new Uint32Array(files.reduce((sum, file) => sum + file.length, prompt.length));
    let at = 0;
    for (const tokens of [...files, prompt]) {
        text.set(tokens, at);
        at += tokens.length;
    }
    return text;
}
