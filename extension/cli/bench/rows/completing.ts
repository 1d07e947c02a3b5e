/** Completions over resident files: what the rows about completions have in common. */
import type {CompletionReport} from "../../../protocol/engine.js";
import type {BenchLab} from "../bench-lab.js";
import {disjointSets, type TokenFile} from "../bench-files.js";
import {readAhead} from "./asking.js";

const nTokens = 4096;
/** Of each buffer. */
export const newTokens = 100;
export const bufferPath = "kvasir-bench-buffer.ts";
/** The longest completion that is measured to its end. */
export const maxTokens = 32;

export interface Completions {
    /** The files that are resident and seen. */
    context: TokenFile[];
    /** Buffers that no side has met. */
    nTexts: number;
    textOf: (run: number) => string;
    /** Completes at the end of a buffer. */
    complete: (run: number, maxTokens: number, n?: number) => Promise<CompletionReport>;
}

/** Reads the files and cuts buffers, so that every run can complete other text. */
export async function prepareCompletions(lab: BenchLab): Promise<Completions> {
    const [context, buffers] = disjointSets(await lab.files(), 2, nTokens) as [TokenFile[], TokenFile[]];
    const engine = await lab.engine();
    const {model} = await lab.model();
    await readAhead(lab, context);
    const pieces = buffers.flatMap(({tokens}) =>
        Array.from({length: Math.floor(tokens.length / newTokens)}, (_, n) =>
            tokens.slice(n * newTokens, (n + 1) * newTokens),
        ),
    );
    const textOf = (run: number): string => model.detokenize(Array.from(pieces[run % pieces.length]!) as never);
    const complete = async (run: number, limit: number, n = 1): Promise<CompletionReport> => {
        const text = textOf(run);
        const report = await engine.complete(
            {
                workspace: lab.repo,
                path: bufferPath,
                text,
                offset: text.length,
                choice: {context: context.map((file) => file.path), onlyNamed: true},
                maxTokens: limit,
                multiLine: limit === 1 ? "never" : "always",
                n,
            },
            lab.signal,
        );
        if (report.readTokens > 0) throw new Error("the completion had to read files");
        return report;
    };
    return {context, nTexts: pieces.length, textOf, complete};
}
