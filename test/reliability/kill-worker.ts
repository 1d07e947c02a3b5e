/**
 * A program like a window: an engine client and conversations on disk, busy without a pause. Tells on standard output what
 * it was promised, so that whoever kills it or its engine can hold Kvasir to that.
 *
 *     engine PID          the engine that serves it
 *     answer WHAT TEXT    the answer to a question about a file (FILE#NUMBER), as JSON
 *     reopened TOKENS     a conversation whose rows came from disk
 *     refined             a file was scored again
 *     saved ID            a turn that is on the disk
 *     back MS             from the moment the engine died to the next answer of any engine
 *     quarantined FILE    a text that was there at three deaths
 */
import {existsSync} from "node:fs";
import {join} from "node:path";
import {ConversationStore} from "../../extension/engine/store/conversation-store.js";
import {createEngineClient} from "../../extension/client/engine-client.js";
import type {AnswerReport, ChatTurn, ContextChoice, EngineApi} from "../../extension/protocol/engine.js";
import {isKvasirError} from "../../extension/protocol/errors.js";
import {seededRandom, sleep} from "./scenario.js";
import {askAbout, smallSettings, someFiles, workspace} from "./small-engine.js";

/** Files whose answers are compared: as many as both sides know. */
export const nComparedFiles = 3;
export const comparedFiles = () => someFiles(nComparedFiles, 6);
/** Of the files that are scored again while idle, so that those whose answers are compared stay as they were read. */
const idleWorkspace = "/idle";
const refineAfterMs = 20;

/** Two questions about a file in one conversation; the second one sees what was said before. */
export async function talkAbout(
    engine: EngineApi,
    path: string,
    names: {conversation: string; storedAs?: string},
    onAnswer: (what: string, report: AnswerReport) => Promise<void> | void,
): Promise<void> {
    const turns: ChatTurn[] = [];
    for (const [i, text] of ["What does this file do?", "And what does it need?"].entries()) {
        turns.push({role: "user", text});
        const report = await engine.ask(askAbout([path], "", {...names, turns}), {});
        // Without its file an answer is another one, as it must be.
        if (report.attended.length !== 1) return;
        turns.push({role: "assistant", text: report.text});
        await onAnswer(`${path}#${i}`, report);
    }
}

export async function runKillWorker(home: string, engineScript: string, seed: number): Promise<never> {
    const random = seededRandom(seed);
    const tell = (line: string) => void process.stdout.write(`${line}\n`);
    const conversations = new ConversationStore(join(home, "conversations"));
    const {id} = await conversations.openNamed("talk");
    const fixed = comparedFiles();
    let isSynced = false;
    let diedAt: number | undefined;
    const client = createEngineClient({
        folder: join(home, "run"),
        program: () => ({
            executable: process.execPath,
            script: engineScript,
            version: "test",
            idleMs: 60_000,
            refineAfterMs,
        }),
        settings: () => smallSettings(join(home, "cache")),
        name: "worker",
        log: {info: () => {}, warn: () => {}},
        onHello: ({quarantined}) => quarantined.forEach((file) => tell(`quarantined ${file}`)),
    });
    client.onDidChangeConnection((state) => {
        if (state.name === "connected") tell(`engine ${state.pid}`);
        else {
            isSynced = false;
            if (state.name === "waiting") diedAt ??= performance.now();
        }
    });
    for (let i = 0; ; i++) {
        // Whoever started us is gone: so are we.
        if (!existsSync(home)) process.exit(0);
        try {
            if (!isSynced) {
                await client.updateWorkspace({workspace, upsert: fixed});
                isSynced = true;
            }
            if (diedAt !== undefined) {
                await client.countTokens(["back"]);
                tell(`back ${Math.round(performance.now() - diedAt)}`);
                diedAt = undefined;
            }
            await work(i);
        } catch (error) {
            // What the end of an engine may look like to those who wait for it, and nothing else.
            const isEnd = isKvasirError(error, "engine-stopped") || isKvasirError(error, "engine-unreachable");
            if (!isEnd) {
                tell(
                    `failed ${error instanceof Error ? (error.stack ?? error.message).replaceAll("\n", " | ") : String(error)}`,
                );
                process.exit(1);
            }
            isSynced = false;
            diedAt ??= performance.now();
            await sleep(5);
        }
    }

    async function work(i: number): Promise<void> {
        const kind = random();
        // A text of its own each time: a read, and a write in the background.
        const text = `// edit ${i} of ${process.pid}\n${fixed[i % fixed.length]!.text}`;
        if (kind < 0.35) {
            const refine = kind < 0.1;
            const file = {path: "src/edited.ts", text};
            await client.updateWorkspace({workspace, upsert: [file]});
            const {files} = await client.read({workspace, paths: [file.path], refine});
            if (refine && files[0]?.refined) tell("refined ");
        } else if (kind < 0.45) await idle(text, random() * 1_000);
        else if (kind < 0.6) await complete(workspace);
        else {
            const {path} = fixed[Math.floor(random() * fixed.length)]!;
            // Closed and opened again each time.
            const names = {conversation: `c${i}`, storedAs: `talk about ${path}`};
            await talkAbout(client, path, names, async (what, report) => {
                tell(`answer ${what} ${JSON.stringify(report.text)}`);
                if (what.endsWith("#0") && report.reusedTurnTokens > 0) tell(`reopened ${report.reusedTurnTokens}`);
                const turn = {
                    id: `${process.pid}-${i}-${what}`,
                    role: "assistant" as const,
                    text: report.text,
                    createdAtMs: Date.now(),
                };
                await conversations.append(id, [turn]);
                tell(`saved ${turn.id}`);
            });
            await client.forget(names.conversation);
        }
    }

    /** Nothing to do for a while: the engine scores again what it has read, until somebody comes or kills it. */
    async function idle(text: string, ms: number): Promise<void> {
        const file = {path: "src/idle.ts", text};
        await client.updateWorkspace({workspace: idleWorkspace, upsert: [file], refine: true});
        await client.read({workspace: idleWorkspace, paths: [file.path]});
        // Before anything has been asked nothing is scored again.
        await complete(idleWorkspace, {context: [file.path]});
        await sleep(ms);
        const [status] = await client.files(idleWorkspace);
        if (status?.refined) tell("refined ");
    }

    async function complete(inWorkspace: string, choice: ContextChoice = {}): Promise<void> {
        const text = "export function ";
        const buffer = {path: "new.ts", text, offset: text.length};
        await client.complete({workspace: inWorkspace, ...buffer, choice, maxTokens: 8, multiLine: "never"});
    }
}
