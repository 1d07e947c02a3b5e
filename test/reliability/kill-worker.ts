/**
 * A program like a window: an engine client and conversations on disk, busy without a pause. Tells on standard output what
 * it was promised, so that whoever kills it or its engine can hold Kvasir to that.
 *
 *     engine PID          the engine that serves it
 *     answer FILE TEXT    the answer about a file, as JSON
 *     saved ID            a turn that is on the disk
 *     back MS             from the moment the engine died to the next answer of any engine
 *     quarantined FILE    a text that was there at three deaths
 */
import {existsSync} from "node:fs";
import {join} from "node:path";
import {ConversationStore} from "../../extension/engine/store/conversation-store.js";
import {createEngineClient} from "../../extension/client/engine-client.js";
import {isKvasirError} from "../../extension/protocol/errors.js";
import {seededRandom, sleep} from "./scenario.js";
import {askAbout, smallSettings, someFiles, workspace} from "./small-engine.js";

/** Files whose answers are compared: as many as both sides know. */
export const nComparedFiles = 3;
export const comparedFiles = () => someFiles(nComparedFiles, 6);

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
        program: () => ({executable: process.execPath, script: engineScript, version: "test", idleMs: 60_000}),
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
        if (kind < 0.4) {
            // A text of its own each time: a read, and a write in the background.
            const file = {
                path: "src/edited.ts",
                text: `// edit ${i} of ${process.pid}\n${fixed[i % fixed.length]!.text}`,
            };
            await client.updateWorkspace({workspace, upsert: [file]});
            await client.read({workspace, paths: [file.path]});
        } else if (kind < 0.6) {
            const text = "export function ";
            await client.complete({
                workspace,
                path: "new.ts",
                text,
                offset: text.length,
                maxTokens: 8,
                multiLine: "never",
            });
        } else {
            const {path} = fixed[Math.floor(random() * fixed.length)]!;
            const report = await client.ask(askAbout([path], `c${i}`), {});
            if (report.attended.length === 1) tell(`answer ${path} ${JSON.stringify(report.text)}`);
            const turn = {
                id: `${process.pid}-${i}`,
                role: "assistant" as const,
                text: report.text,
                createdAtMs: Date.now(),
            };
            await conversations.append(id, [turn]);
            tell(`saved ${turn.id}`);
        }
    }
}
