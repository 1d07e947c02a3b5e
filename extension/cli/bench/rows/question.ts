/**
 * A question over other files than the last one, all of them read: time to the first token, against a fresh prompt of
 * the same files. In the same rounds the switch of the attended set alone, which is all that differs.
 */
import {profileRows, type HeadProfile} from "../../../core/policy/head-profile.js";
import type {KvContext} from "../../../engine/kv/kv-context.js";
import type {NativeSegment} from "../../../engine/native/native.js";
import {timed} from "../alternate.js";
import {disjointSets, sumTokens, type TokenFile} from "../bench-files.js";
import type {BenchLab} from "../bench-lab.js";
import {plainName, type RowGroup} from "../row-group.js";

const nTokens = 4096;
const question = "What do these files do? Answer in one sentence.";

export const questionRows: RowGroup = {
    rows: [
        {name: "second-question-4k", unit: "ms", kvasir: "question", peer: "prompt", peerName: plainName},
        {name: "switch-4k", unit: "ms", kvasir: "switch", peer: "prompt", peerName: plainName},
    ],
    async prepare(lab) {
        const sets = disjointSets(await lab.files(), 2, nTokens) as [TokenFile[], TokenFile[]];
        const engine = await lab.engine();
        await engine.read(
            {workspace: lab.repo, paths: sets.flat().map((file) => file.path)},
            ({filesDone, filesTotal}) => lab.say(`reading file ${filesDone} of ${filesTotal}`),
        );
        const reader = await lab.reader();
        const profile = await lab.profileFor(lab.policy);
        const segments: NativeSegment[][] = [];
        for (const set of sets) segments.push(await emptySegments(reader.context, set, lab, profile));
        const session = await reader.context.newSession();
        const prompts = await Promise.all(sets.map((set) => lab.prompt(set, question)));
        const plain = await lab.plain(Math.max(...sets.map(sumTokens)));
        // All sides see the sets in turns, so that a question is always about other files than the one before.
        const turn = {question: 0, prompt: 0, switch: 0};
        return {
            sides: {
                question: () => askAbout(lab, sets[turn.question++ % 2]!),
                switch: () =>
                    timed(() =>
                        session.compose(
                            [reader.prefix.native, ...segments[turn.switch++ % 2]!].map((segment) => ({segment})),
                        ),
                    ),
                prompt: async () => {
                    await plain.clear();
                    return timed(() => plain.decode(prompts[turn.prompt++ % 2]!, "last"));
                },
            },
            dispose: () => {
                for (const each of [session, ...segments.flat()]) each.dispose();
            },
        };
    },
};

/**
 * Segments with as many rows per head as the files' own have, and nothing in them: what a copy of rows costs does not
 * hang on what they hold.
 */
async function emptySegments(
    {native, shape}: KvContext,
    files: readonly TokenFile[],
    {policy, settings}: BenchLab,
    profile: HeadProfile | undefined,
): Promise<NativeSegment[]> {
    const nRegions = shape.nLayers * shape.nKvHeads;
    const segments: NativeSegment[] = [];
    for (const {tokens} of files) {
        const counts =
            profile === undefined
                ? new Uint32Array(nRegions).fill(
                      policy.name === "full" ? tokens.length : settings.budget * tokens.length,
                  )
                : profileRows(profile, settings.budget, tokens.length);
        segments.push(await native.newSegment(counts));
    }
    return segments;
}

let nConversations = 0;

/** Time to the first token of a new conversation about these files. @throws when it had to read any of them */
async function askAbout(lab: BenchLab, files: readonly TokenFile[]): Promise<number> {
    const engine = await lab.engine();
    const conversation = `bench-${nConversations++}`;
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
    if (report.readTokens > 0 || report.attended.length < files.length)
        throw new Error(
            `the question read ${report.readTokens} tokens and saw ${report.attended.length} of ${files.length} files`,
        );
    await engine.forget(conversation);
    return report.ttftMs;
}
