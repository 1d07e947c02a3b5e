/** One question about files, asked of each side: what the rows about questions have in common. */
import {fileText, systemSentence} from "../../../core/layout/chat-layout.js";
import {timed} from "../alternate.js";
import type {BenchLab} from "../bench-lab.js";
import type {TokenFile} from "../bench-files.js";
import type {ChatSessionPeer} from "../../../engine/model/chat-session-peer.js";
import type {LlamaServer} from "../llama-server.js";
import type {NativePlain} from "../../../engine/native/native.js";

export const question = "What do these files do? Answer in one sentence.";

let nConversations = 0;

/**
 * Milliseconds to the first token of a new conversation about these files.
 * @param reads which of them it must have had to read; anything else means that something else was measured
 */
export async function askKvasir(
    lab: BenchLab,
    files: readonly TokenFile[],
    reads: "none" | "some" | "all",
): Promise<number> {
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
    await engine.forget(conversation);
    const {readTokens, reusedTokens, attended} = report;
    if (attended.length < files.length) throw new Error(`the question saw ${attended.length} of ${files.length} files`);
    if (readTokens > 0 !== (reads !== "none") || reusedTokens > 0 !== (reads !== "all"))
        throw new Error(`the question read ${readTokens} tokens and found ${reusedTokens} read`);
    return report.ttftMs;
}

/** The same from llama-server, with what its cache has of the prompt unless it may not use it. */
export async function askServer(
    lab: BenchLab,
    server: LlamaServer,
    files: readonly TokenFile[],
    reuses = true,
): Promise<number> {
    return (await server.ask(await lab.prompt(files, question), 1, reuses)).firstTokenMs;
}

/** The same from plain llama.cpp, which has nothing. */
export async function askPlain(lab: BenchLab, plain: NativePlain, files: readonly TokenFile[]): Promise<number> {
    const prompt = await lab.prompt(files, question);
    await plain.clear();
    return timed(() => plain.decode(prompt, "last"));
}

/** The same from node-llama-cpp's chat session: the files stand in its system message. */
export function askChatSession(
    {signal}: BenchLab,
    session: ChatSessionPeer,
    files: readonly TokenFile[],
): Promise<number> {
    const system = systemSentence + files.map(({path, text}) => fileText(path, text)).join("");
    return session.firstTokenMs(system, question, signal);
}

/** Makes texts known to the engine, as an editor does when a person types. */
export async function tellKvasir(lab: BenchLab, files: readonly TokenFile[]): Promise<void> {
    const engine = await lab.engine();
    await engine.updateWorkspace({
        workspace: lab.repo,
        upsert: files.map(({path, text}) => ({path, text})),
    });
}

/** Reads files before anything is measured. */
export async function readAhead(lab: BenchLab, files: readonly TokenFile[]): Promise<void> {
    const engine = await lab.engine();
    await engine.read(
        {workspace: lab.repo, paths: files.map((file) => file.path)},
        ({filesDone, filesTotal}) => lab.say(`reading file ${filesDone} of ${filesTotal}`),
        lab.signal,
    );
}

/** The file with another text, and its tokens. */
export async function withText(lab: BenchLab, {path}: TokenFile, text: string): Promise<TokenFile> {
    const {model} = await lab.model();
    return {path, text, tokens: Uint32Array.from(model.tokenize(fileText(path, text)))};
}
