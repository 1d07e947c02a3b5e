/**
 * First token of a completion while 4k tokens of files are resident: 100 tokens of a buffer are new. llama.cpp has the
 * same files in its cache and decodes the same 100 tokens behind them.
 */
import {timed} from "../alternate.js";
import {disjointSets, sumTokens, type TokenFile} from "../bench-files.js";
import {plainName, type RowGroup} from "../row-group.js";

const nTokens = 4096;
const newTokens = 100;
const bufferPath = "kvasir-bench-buffer.ts";

export const completionRows: RowGroup = {
    rows: [{name: "completion-first-token", unit: "ms", kvasir: "complete", peer: "append", peerName: plainName}],
    async prepare(lab) {
        const files = await lab.files();
        const [context, buffers] = disjointSets(files, 2, nTokens) as [TokenFile[], TokenFile[]];
        const engine = await lab.engine();
        const {model} = await lab.model();
        const paths = context.map((file) => file.path);
        await engine.read({workspace: lab.repo, paths}, ({filesDone, filesTotal}) =>
            lab.say(`reading file ${filesDone} of ${filesTotal}`),
        );
        const plain = await lab.plain(sumTokens(context) + (lab.rounds + 1) * newTokens);
        lab.say("plain llama.cpp reads the same files");
        await plain.decode(await lab.prompt(context, ""), "none");
        // Every run completes other text, so that no side knows it from the run before.
        const pieceOf = (run: number): Uint32Array => {
            const {tokens} = buffers[run % buffers.length]!;
            const from = (Math.floor(run / buffers.length) * newTokens) % Math.max(1, tokens.length - newTokens);
            return tokens.slice(from, from + newTokens);
        };
        const turn = {complete: 0, append: 0};
        return {
            sides: {
                complete: async () => {
                    const text = model.detokenize(Array.from(pieceOf(turn.complete++)) as never);
                    const report = await engine.complete(
                        {
                            workspace: lab.repo,
                            path: bufferPath,
                            text,
                            offset: text.length,
                            choice: {context: paths, onlyNamed: true},
                            maxTokens: 1,
                            multiLine: "never",
                        },
                        lab.signal,
                    );
                    if (report.readTokens > 0) throw new Error("the completion had to read files");
                    return report.ttftMs;
                },
                append: () => timed(() => plain.decode(pieceOf(turn.append++), "last")),
            },
            dispose: () => undefined,
        };
    },
};
