/** The conversations of a window over a scripted engine and the real files. */
import {mkdtemp, rm} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {afterEach, beforeEach, describe, expect, it} from "vitest";
import {ChatSession, type ChatListener} from "../../../extension/host/chat/chat-session.js";
import {ConversationFiles} from "../../../extension/host/chat/conversation-files.js";
import type {
    AnswerReport,
    AskRequest,
    AttendedFile,
    EngineApi,
    ToolDescription,
} from "../../../extension/protocol/engine.js";
import {cancelled, diskFull, engineStopped, KvasirError} from "../../../extension/protocol/errors.js";
import type {AnswerView, ConversationView, ErrorView, TurnView} from "../../../extension/protocol/webview/chat.js";

type Ask = EngineApi["ask"];
const attended: AttendedFile[] = [{path: "src/a.ts", tokens: 100, keptRows: 25, why: "open"}];

function report(text: string, more: Partial<AnswerReport> = {}): AnswerReport {
    return {
        text,
        tokens: 3,
        ttftMs: 10,
        tokensPerSecond: 50,
        attended,
        leftOut: [],
        reusedTokens: 100,
        readTokens: 0,
        stop: "endOfText",
        notes: [],
        reusedTurnTokens: 0,
        decodedTurnTokens: 20,
        conversationTokens: 20,
        conversationKeptRows: 20,
        ...more,
    };
}

let folder: string;
let files: ConversationFiles;
let session: ChatSession;
let requests: AskRequest[];
let forgotten: string[];
let told: {
    conversations: ConversationView[];
    pieces: string[];
    turns: TurnView[];
    unsaved: (ErrorView | undefined)[];
    deleted: string[];
};
/** What the engine does with each question. */
let ask: Ask;
let nIds = 0;
/** Those chosen for the chat, what was called, and what it says. */
let tools: ToolDescription[];
let called: string[];
let callTool: () => Promise<string>;

function start(store: ConstructorParameters<typeof ChatSession>[0]["files"] = files): ChatSession {
    const listener: ChatListener = {
        conversation: (view) => told.conversations.push(view),
        piece: ({text, thought}) => told.pieces.push(thought === "" ? text : `(${thought})${text}`),
        turn: ({turn}) => told.turns.push(turn),
        unsaved: (error) => told.unsaved.push(error),
        deleted: ({conversation}) => told.deleted.push(conversation),
        running: () => undefined,
    };
    return new ChatSession(
        {
            engine: {
                ask: (request, on, signal) => {
                    requests.push(structuredClone(request));
                    return ask(request, on, signal);
                },
                forget: async (id) => void forgotten.push(id),
            },
            files: store,
            known: {has: (path) => path === "src/a.ts", paths: () => ["src/a.ts"]},
            prepare: async (text) => {
                if (text.startsWith("/bad")) throw new KvasirError("usage", "there is no such command.");
                return {
                    prompt: text.toUpperCase(),
                    attached: [],
                    named: text.includes("@src/a.ts") ? ["src/a.ts"] : [],
                };
            },
            settings: async () => ({
                workspace: "w",
                choice: {pinned: ["src/pin.ts"], open: ["src/a.ts", "src/b.ts"]},
                maxTokens: 99,
                temperature: 0,
                instructions: "Be brief.",
                instructionFiles: ["AGENTS.md"],
                notes: [],
                tools,
            }),
            callTool: async (name, given) => {
                called.push(`${name} ${JSON.stringify(given)}`);
                return callTool();
            },
            warn: () => undefined,
            nowMs: () => Date.now(),
            newId: () => `id-${String(nIds++).padStart(8, "0")}`,
            later: (ms, run) => {
                const timer = setTimeout(run, ms);
                return () => clearTimeout(timer);
            },
        },
        listener,
    );
}

beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "kvasir-session-"));
    files = new ConversationFiles(folder, () => undefined);
    requests = [];
    forgotten = [];
    tools = [];
    called = [];
    callTool = async () => "3 degrees";
    told = {conversations: [], pieces: [], turns: [], unsaved: [], deleted: []};
    ask = async (_request, on) => {
        for (const piece of ["So ", "it ", "is."]) on.text?.(piece);
        return report("So it is.");
    };
    session = start();
});
afterEach(async () => {
    await files.settled();
    await rm(folder, {recursive: true, force: true});
});

const lastAnswer = () => session.view().turns.at(-1) as AnswerView;
const shownTexts = () => session.view().turns.map(({text}) => text);
const onDisk = async () => new ConversationFiles(folder, () => undefined).load(session.shown.id);

describe("a question", () => {
    it("goes to the engine whole and comes back in pieces, with its figures", async () => {
        await session.send(session.shown.id, "why? @src/a.ts", ["src/b.ts"]);
        expect(requests).toEqual([
            {
                workspace: "w",
                conversation: session.shown.id,
                storedAs: session.shown.id,
                turns: [{role: "user", text: "WHY? @SRC/A.TS"}],
                choice: {pinned: ["src/pin.ts"], open: ["src/a.ts"], context: ["src/a.ts"], exclude: ["src/b.ts"]},
                instructions: "Be brief.",
                maxTokens: 99,
                temperature: 0,
            },
        ]);
        expect(told.pieces.join("")).toBe("So it is.");
        expect(lastAnswer()).toMatchObject({
            text: "So it is.",
            isRunning: false,
            isPartial: false,
            attended,
            instructions: ["AGENTS.md"],
            report: {tokens: 3, reusedTokens: 100},
        });
        expect(session.view().name).toBe("why? @src/a.ts");
        expect((await onDisk())?.turns.map(({text}) => text)).toEqual(["why? @src/a.ts", "So it is."]);
    });

    it("that cannot be asked changes nothing", async () => {
        await expect(session.send(session.shown.id, "/bad")).rejects.toMatchObject({code: "usage"});
        await session.send(session.shown.id, "  \n");
        await session.send("no-such-conversation", "x");
        expect(session.view().turns).toEqual([]);
        expect(requests).toEqual([]);
    });

    it("waits for its own answer: a second one is not sent", async () => {
        const first = session.send(session.shown.id, "one");
        await session.send(session.shown.id, "two");
        await first;
        expect(shownTexts()).toEqual(["one", "So it is."]);
    });

    it("keeps reasoning apart, out of the history too", async () => {
        ask = async (_request, on) => {
            for (const piece of ["h", "m"]) on.thought?.(piece);
            on.text?.("Yes.");
            return report("Yes.", {thought: "hm"});
        };
        await session.send(session.shown.id, "one");
        await session.send(session.shown.id, "two");
        expect(lastAnswer()).toMatchObject({text: "Yes.", thought: "hm"});
        expect(requests[1]?.turns.map(({text}) => text)).toEqual(["ONE", "Yes.", "TWO"]);
    });
});

describe("an answer", () => {
    it("that is stopped keeps what was written and what it saw", async () => {
        ask = (_request, on, signal) =>
            new Promise((_resolve, reject) => {
                on.attended?.(attended, []);
                on.text?.("Half ");
                signal?.addEventListener("abort", () => reject(cancelled()));
                setTimeout(() => session.stop(session.shown.id), 5);
            });
        await session.send(session.shown.id, "one");
        expect(lastAnswer()).toMatchObject({text: "Half ", isPartial: true, isRunning: false, attended});
        expect(lastAnswer().error).toBeUndefined();
        expect((await onDisk())?.turns.at(-1)).toMatchObject({text: "Half "});
    });

    it("whose engine dies keeps its text and says the way out; the next one goes on from there", async () => {
        ask = async (_request, on) => {
            on.text?.("Half an ans");
            throw engineStopped();
        };
        await session.send(session.shown.id, "one");
        expect(lastAnswer()).toMatchObject({text: "Half an ans", error: {code: "engine-stopped"}});
        expect(lastAnswer().error?.remedies).toContain("retry");
        ask = async () => report("Whole.");
        await session.again(session.shown.id, lastAnswer().id);
        expect(shownTexts()).toEqual(["one", "Whole."]);
        expect(lastAnswer().branch).toEqual({current: 1, count: 2});
        expect(requests[1]?.turns).toEqual([{role: "user", text: "ONE"}]);
    });

    it("can be asked again without one of its files", async () => {
        await session.send(session.shown.id, "one");
        await session.again(session.shown.id, lastAnswer().id, "src/a.ts");
        expect(requests[1]?.choice).toMatchObject({open: ["src/b.ts"], exclude: ["src/a.ts"]});
        expect(session.view().turns[0]).toMatchObject({excluded: ["src/a.ts"]});
    });

    it("survives the end of the window in its middle", async () => {
        ask = (_request, on) =>
            new Promise(() => {
                on.text?.("Half");
            });
        void session.send(session.shown.id, "one");
        await expect.poll(() => lastAnswer()?.text).toBe("Half");
        const {id} = session.shown;
        session.dispose();
        session = start();
        expect(await session.show(id)).toBe(true);
        expect(lastAnswer()).toMatchObject({text: "Half", isPartial: true, isRunning: false});
    });

    it("goes on while another conversation is shown", async () => {
        let finish: (value: AnswerReport) => void = () => undefined;
        ask = (_request, on) => {
            on.text?.("slow");
            return new Promise((resolve) => (finish = resolve));
        };
        const first = session.shown.id;
        const asked = session.send(first, "one");
        await expect.poll(() => requests.length).toBe(1);
        session.startNew();
        expect(session.view().turns).toEqual([]);
        finish(report("slow answer"));
        await asked;
        expect(session.view().turns).toEqual([]);
        expect(await session.show(first)).toBe(true);
        expect(lastAnswer()).toMatchObject({text: "slow", isRunning: false, report: {tokens: 3}});
    });
});

describe("conversations", () => {
    it("a question written anew keeps the old ending", async () => {
        await session.send(session.shown.id, "one");
        const [question] = session.view().turns;
        await session.edit(session.shown.id, question!.id, "uno");
        expect(shownTexts()).toEqual(["uno", "So it is."]);
        session.showBranch(session.shown.id, session.view().turns[0]!.id, 0);
        expect(shownTexts()).toEqual(["one", "So it is."]);
    });

    it("are listed, found, renamed, deleted and brought back", async () => {
        const first = session.shown.id;
        await session.send(first, "about carts");
        session.startNew();
        await session.send(session.shown.id, "about prices");
        expect((await session.history("")).map(({name}) => name)).toEqual(["about prices", "about carts"]);
        expect((await session.history("CARTS")).map(({id}) => id)).toEqual([first]);
        await session.rename(first, "Carts");
        expect((await session.history("carts"))[0]?.name).toBe("Carts");
        await session.delete(first);
        expect(told.deleted).toEqual([first]);
        expect(forgotten).toEqual([first]);
        expect(await session.show(first)).toBe(false);
        await session.restore(first);
        expect(session.view().name).toBe("Carts");
    });

    it("a draft is kept over a restart", async () => {
        session.draft(session.shown.id, "half a thought");
        const {id} = session.shown;
        session.dispose();
        session = start();
        await session.show(id);
        expect(session.view().draft).toBe("half a thought");
    });

    it("a full disk is said, loses nothing, and is over when there is room", async () => {
        let isFull = true;
        const store = {
            load: (id: string) => files.load(id),
            save: (conversation: Parameters<ConversationFiles["save"]>[0]) =>
                isFull ? Promise.reject(diskFull(folder)) : files.save(conversation),
            saveNow: () => undefined,
            list: (search: string) => files.list(search),
            delete: (id: string) => files.delete(id),
            restore: (id: string) => files.restore(id),
        } as unknown as ConversationFiles;
        session = start(store);
        await session.send(session.shown.id, "one");
        expect(shownTexts()).toEqual(["one", "So it is."]);
        expect(told.unsaved.map((error) => error?.code)).toEqual(["disk-full"]);
        isFull = false;
        await session.send(session.shown.id, "two");
        expect(told.unsaved.map((error) => error?.code)).toEqual(["disk-full", undefined]);
        expect((await onDisk())?.turns).toHaveLength(4);
    });
});

describe("an answer that wants a tool", () => {
    const call = {id: "1", name: "get_weather", arguments: '{"city":"Oslo"}'};
    const use = () => lastAnswer().steps.at(-1)?.calls[0];
    beforeEach(() => {
        tools = [{name: "get_weather", description: "Weather of a city"}];
        ask = async ({turns}, on) => {
            const isFirst = turns.at(-1)?.results === undefined;
            on.text?.(isFirst ? "Let me look." : "It is cold.");
            return isFirst ? report("Let me look.", {calls: [call]}) : report("It is cold.");
        };
    });
    const decide = (isAllowed: boolean) => session.decideTool(session.shown.id, lastAnswer().id, call.id, isAllowed);

    it("waits for the person, runs it, and goes on with what it said", async () => {
        const sent = session.send(session.shown.id, "weather?");
        await expect.poll(() => use()?.state).toBe("asked");
        expect(called).toEqual([]);
        expect(requests).toHaveLength(1);
        session.decideTool(session.shown.id, "another turn", call.id, true);
        session.decideTool(session.shown.id, lastAnswer().id, "another call", true);
        expect(called).toEqual([]);
        decide(true);
        await sent;
        expect(called).toEqual(['get_weather {"city":"Oslo"}']);
        expect(requests[0]?.tools).toEqual(tools);
        expect(requests[1]?.turns).toEqual([
            {role: "user", text: "WEATHER?"},
            {role: "assistant", text: "Let me look.", calls: [call]},
            {role: "user", text: "", results: [{id: "1", text: "3 degrees"}]},
        ]);
        expect(lastAnswer()).toMatchObject({
            text: "It is cold.",
            isRunning: false,
            steps: [{text: "Let me look.", calls: [{name: "get_weather", state: "done", result: "3 degrees"}]}],
        });
        // All of it is on the disk, and the next question has it as it was.
        ask = async () => report("Yes.");
        await session.send(session.shown.id, "sure?");
        expect(requests[2]?.turns.slice(0, 4)).toEqual([
            ...requests[1]!.turns,
            {role: "assistant", text: "It is cold."},
        ]);
        await files.settled();
        expect((await onDisk())?.turns[1]).toMatchObject({steps: [{calls: [{state: "done", result: "3 degrees"}]}]});
    });

    it("is told that it may not, or that the tool failed", async () => {
        const sent = session.send(session.shown.id, "weather?");
        await expect.poll(() => use()?.state).toBe("asked");
        decide(false);
        await sent;
        expect(called).toEqual([]);
        expect(requests[1]?.turns.at(-1)?.results?.[0]?.text).toMatch(/did not allow/);
        expect(use()?.state).toBe("refused");
        callTool = () => Promise.reject(new Error("no network"));
        const again = session.send(session.shown.id, "weather?");
        await expect.poll(() => use()?.state).toBe("asked");
        decide(true);
        await again;
        expect(use()).toMatchObject({state: "failed", result: "The tool failed: no network"});
    });

    it("can be stopped while it waits, and while a tool runs that does not listen", async () => {
        for (const isRunning of [false, true]) {
            callTool = () => new Promise(() => undefined);
            const sent = session.send(session.shown.id, "weather?");
            await expect.poll(() => use()?.state).toBe("asked");
            if (isRunning) {
                decide(true);
                await expect.poll(() => use()?.state).toBe("running");
            }
            session.stop(session.shown.id);
            await sent;
            expect(lastAnswer()).toMatchObject({isRunning: false, isPartial: true});
        }
        // A call that came to nothing is not told to the model.
        ask = async () => report("Fine.");
        await session.send(session.shown.id, "next?");
        expect(requests.at(-1)?.turns.flatMap(({calls}) => calls ?? [])).toEqual([]);
    });

    it("cannot call for ever", async () => {
        ask = async ({tools: offered}) => (offered === undefined ? report("Enough.") : report("", {calls: [call]}));
        const sent = session.send(session.shown.id, "weather?");
        const allowing = setInterval(() => use()?.state === "asked" && decide(true), 1);
        await sent;
        clearInterval(allowing);
        expect(called).toHaveLength(10);
        expect(lastAnswer().text).toBe("Enough.");
    });
});
