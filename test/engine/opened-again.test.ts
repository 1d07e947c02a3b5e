/** A conversation that is opened again when the process that held its rows has ended: by itself, and with kill -9. */
import {mkdir, mkdtemp, rm} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {afterAll, beforeAll, expect, it} from "vitest";
import {type RejoiningEngineClient, createEngineClient} from "../../extension/client/engine-client.js";
import type {AnswerReport, ChatTurn} from "../../extension/protocol/engine.js";
import {buildReliability} from "../../scripts/test/reliability-programs.mjs";
import {askAbout, smallSettings, someFiles, workspace} from "../reliability/small-engine.js";

const files = someFiles(1, 12);
const questions = ["What does this file do?", "And what does it need?", "Who would use it?"];
let home: string;
let client: RejoiningEngineClient;
beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), "kv-o-"));
    await mkdir(join(home, "run"), {mode: 0o700});
    const {engine: script} = await buildReliability();
    client = createEngineClient({
        folder: join(home, "run"),
        program: () => ({executable: process.execPath, script, version: "test", idleMs: 60_000}),
        settings: () => smallSettings(join(home, "cache")),
        name: "window",
        log: {info: () => {}, warn: () => {}},
    });
});
afterAll(async () => {
    const pid = enginePid();
    await client.dispose();
    if (pid !== undefined) process.kill(pid, "SIGKILL");
    await rm(home, {recursive: true, force: true, maxRetries: 10, retryDelay: 200});
});

function enginePid(): number | undefined {
    const state = client.connection();
    return state.name === "connected" ? state.pid : undefined;
}

/** Asks the next question of a conversation, and adds it and its answer. */
async function ask(turns: ChatTurn[], conversation: string, storedAs?: string): Promise<AnswerReport> {
    await client.updateWorkspace({workspace, upsert: files});
    turns.push({role: "user", text: questions[turns.length / 2]!});
    const names = storedAs === undefined ? {} : {storedAs};
    const report = await client.ask(askAbout([files[0]!.path], conversation, {...names, turns: [...turns]}), {});
    turns.push({role: "assistant", text: report.text});
    return report;
}

it("decodes the new question alone in the next process, and answers as the process before would have", async () => {
    // What one process does that forgets nothing and stores nothing.
    const expected: AnswerReport[] = [];
    const whole: ChatTurn[] = [];
    for (const _ of questions) expected.push(await ask(whole, "whole"));

    const turns: ChatTurn[] = [];
    const reports = [await ask(turns, "talk", "talk")];
    const before = enginePid();
    await client.restart();
    expect(enginePid()).not.toBe(before);
    reports.push(await ask(turns, "talk", "talk"));
    // In the background: when its name is listed with all its tokens, the rows of the second turn are on disk.
    const {reusedTurnTokens, decodedTurnTokens, tokens} = reports[1]!;
    await expect
        .poll(
            async () => {
                const {entries} = await client.cacheList();
                const own = entries.filter(({path}) => path === "conversation:talk");
                return own.reduce((sum, entry) => sum + entry.tokens, 0);
            },
            {timeout: 60_000},
        )
        // The last token of an answer has no row when nothing follows it.
        .toBeGreaterThanOrEqual(reusedTurnTokens + decodedTurnTokens + tokens - 1);
    process.kill(enginePid()!, "SIGKILL");
    await expect.poll(() => client.connection().name, {timeout: 60_000}).not.toBe("connected");
    reports.push(await ask(turns, "talk", "talk"));

    const told = (all: readonly AnswerReport[]) =>
        all.map(({text, reusedTurnTokens: reused, decodedTurnTokens: decoded}) => ({text, reused, decoded}));
    expect(told(reports)).toEqual(told(expected));
    expect(reports.map(({readTokens}) => readTokens)).toEqual([0, 0, 0]);
    // Few beside what was there: template and question, not the conversation.
    expect(reports[2]!.decodedTurnTokens).toBeLessThan(reports[2]!.reusedTurnTokens / 2);
});
