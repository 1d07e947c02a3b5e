/** The first question over files that nobody has read: reads included, against a fresh prompt of the same files. */
import {fileText} from "../../../core/layout/chat-layout.js";
import {timed} from "../alternate.js";
import {disjointSets, sumTokens, type TokenFile} from "../bench-files.js";
import {plainName, type RowGroup} from "../row-group.js";

const nTokens = 2048;
const question = "What do these files do? Answer in one sentence.";

export const coldRows: RowGroup = {
    rows: [{name: "cold-question-2k", unit: "ms", kvasir: "question", peer: "prompt", peerName: plainName}],
    async prepare(lab) {
        const [files] = disjointSets(await lab.files(), 1, nTokens) as [TokenFile[]];
        const engine = await lab.engine();
        const {model} = await lab.model();
        const plain = await lab.plain(sumTokens(files) + 256);
        // A comment that was not there before makes files nobody has read; both sides get the same text.
        const fresh = (label: string): TokenFile[] =>
            files.map(({path, text}) => {
                const changed = `// ${label}\n${text}`;
                return {path, text: changed, tokens: Uint32Array.from(model.tokenize(fileText(path, changed)))};
            });
        const startedMs = Date.now();
        const turn = {question: 0, prompt: 0};
        return {
            sides: {
                question: async () => {
                    const upsert = fresh(`${startedMs} ${turn.question++}`).map(({path, text}) => ({path, text}));
                    await engine.updateWorkspace({workspace: lab.repo, upsert});
                    const conversation = `bench-cold-${turn.question}`;
                    const report = await engine.ask(
                        {
                            workspace: lab.repo,
                            conversation,
                            turns: [{role: "user", text: question}],
                            choice: {context: files.map((file) => file.path), onlyNamed: true},
                            maxTokens: 1,
                            temperature: 0,
                        },
                        {},
                        lab.signal,
                    );
                    if (report.reusedTokens > 0) throw new Error("the cold question found files that were read");
                    await engine.forget(conversation);
                    return report.ttftMs;
                },
                prompt: async () => {
                    const prompt = await lab.prompt(fresh(`${startedMs} ${turn.prompt++}`), question);
                    await plain.clear();
                    return timed(() => plain.decode(prompt, "last"));
                },
            },
            warmUp: false,
            dispose: async () => {
                await engine.updateWorkspace({
                    workspace: lab.repo,
                    upsert: files.map(({path, text}) => ({path, text})),
                });
            },
        };
    },
};
