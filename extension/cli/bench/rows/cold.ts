/** The first question over files that nobody has read: reads included, against peers that have nothing cached either. */
import {disjointSets, sumTokens, type TokenFile} from "../bench-files.js";
import {chatSessionName, plainName, serverName} from "../peers.js";
import {absentAs, type RowGroup, type RowPlan} from "../row-group.js";
import {askChatSession, askKvasir, askPlain, askServer, tellKvasir, withText} from "./asking.js";

const nTokens = 2048;
const row = {name: "cold-question-2k", unit: "ms", kvasir: "question"} as const satisfies Partial<RowPlan>;

export const coldRows: RowGroup = {
    rows: [
        {...row, peer: "prompt", peerName: plainName},
        {...row, peer: "server", peerName: serverName},
        {...row, peer: "session", peerName: chatSessionName},
    ],
    async prepare(lab) {
        const [files] = disjointSets(await lab.files(), 1, nTokens) as [TokenFile[]];
        const plain = await lab.plain(sumTokens(files) + 256);
        const server = await lab.optional(() => lab.server(sumTokens(files) + 256));
        const session = await lab.optional(() => lab.chatSession(sumTokens(files) + 256));
        // A comment that was not there before makes files nobody has read; all sides get the same text.
        const startedMs = Date.now();
        const fresh = (turn: number): Promise<TokenFile[]> =>
            Promise.all(files.map((file) => withText(lab, file, `// ${startedMs} ${turn}\n${file.text}`)));
        const turn = {question: 0, prompt: 0, server: 0, session: 0};
        return {
            sides: {
                question: async () => {
                    const changed = await fresh(turn.question++);
                    await tellKvasir(lab, changed);
                    return askKvasir(lab, changed, "all");
                },
                prompt: async () => askPlain(lab, plain, await fresh(turn.prompt++)),
                // Behind the comment it would find what it shifted in from the last run.
                server: async () => askServer(lab, server.peer!, await fresh(turn.server++), false),
                session: async () => askChatSession(lab, session.peer!, await fresh(turn.session++)),
            },
            absent: {...absentAs("server", server), ...absentAs("session", session)},
            warmUp: false,
            dispose: () => tellKvasir(lab, files),
        };
    },
};
