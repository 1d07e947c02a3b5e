/**
 * The second question, after what people do between two questions: attend one more file, order the files otherwise, edit
 * one of them, restart, ask from another window. The peer is llama-server, which keeps its cache from question to
 * question as it does for its users: a common beginning is reused, chunks of 256 tokens are shifted, other prompts are
 * kept in main memory. Every case begins with the last question's files in the server's cache, in its order.
 */
import {disjointSets, sumTokens, type TokenFile} from "../bench-files.js";
import type {BenchLab} from "../bench-lab.js";
import {chatSessionName, serverName} from "../peers.js";
import type {PreparedGroup, RowGroup, RowPlan} from "../row-group.js";
import {askChatSession, askKvasir, askServer, readAhead, tellKvasir, withText} from "./asking.js";

/** Small beside the files: what another window asks about meanwhile. */
const otherTokens = 1024;

/** On two idle cores the first round takes four to five minutes: a second one shall begin. */
const allowanceMs = 5 * 60_000;

const cases = ["another-file", "reordered", "edited", "restart", "window"] as const;
type Case = (typeof cases)[number];

export const questionCaseRows = questionCases("5k", 4800, false);
export const longQuestionCaseRows = questionCases("16k", 16_000, true);

function questionCases(label: string, nTokens: number, isLong: boolean): RowGroup {
    const row = (name: Case, peer: "server" | "session"): RowPlan => ({
        name: `question-${name}-${label}`,
        unit: "ms",
        kvasir: name,
        peer: `${name}-${peer}`,
        peerName: peer === "server" ? serverName : chatSessionName,
    });
    return {
        rows: [...cases.map((name) => row(name, "server")), row("reordered", "session")],
        isLong,
        allowanceMs,
        prepare: (lab) => prepare(lab, nTokens),
    };
}

async function prepare(lab: BenchLab, nTokens: number): Promise<PreparedGroup> {
    const [files, others] = disjointSetsOf(await lab.files(), nTokens);
    const [another, ...elsewhere] = others as [TokenFile, ...TokenFile[]];
    await readAhead(lab, [...files, ...others]);
    const room = sumTokens(files) + sumTokens(others);
    const server = await lab.optional(() => lab.server(room));
    const session = await lab.optional(() => lab.chatSession(room));
    const kvasir = kvasirSides(lab, files, another, elsewhere);
    const sides: PreparedGroup["sides"] = {...kvasir};
    const absent: Record<string, string> = {};
    if (server.peer === undefined) for (const name of cases) absent[`${name}-server`] = server.why;
    else Object.assign(sides, serverSides(lab, files, another, elsewhere, room));
    if (session.peer === undefined) absent["reordered-session"] = session.why;
    else {
        const {peer} = session;
        let order = files;
        let isSetUp = false;
        sides["reordered-session"] = async () => {
            if (!isSetUp) await askChatSession(lab, peer, order);
            isSetUp = true;
            order = reordered(order);
            return askChatSession(lab, peer, order);
        };
    }
    return {sides, absent, warmUp: false, dispose: () => tellKvasir(lab, files)};
}

function kvasirSides(
    lab: BenchLab,
    files: readonly TokenFile[],
    another: TokenFile,
    elsewhere: readonly TokenFile[],
): Record<Case, () => Promise<number>> {
    const state = {files: [...files], nEdits: 0};
    return {
        "another-file": async () => {
            await askKvasir(lab, state.files, "none");
            return askKvasir(lab, [...state.files, another], "none");
        },
        reordered: async () => {
            state.files = reordered(state.files);
            return askKvasir(lab, state.files, "none");
        },
        edited: async () => {
            await askKvasir(lab, state.files, "none");
            state.files = await firstEdited(lab, state.files, state.nEdits++);
            await tellKvasir(lab, state.files.slice(0, 1));
            return askKvasir(lab, state.files, "some");
        },
        restart: async () => {
            await askKvasir(lab, state.files, "none");
            await lab.restartEngine();
            await tellKvasir(lab, state.files);
            return askKvasir(lab, state.files, "none");
        },
        window: async () => {
            await askKvasir(lab, state.files, "none");
            await askKvasir(lab, elsewhere, "none");
            return askKvasir(lab, state.files, "none");
        },
    };
}

function serverSides(
    lab: BenchLab,
    files: readonly TokenFile[],
    another: TokenFile,
    elsewhere: readonly TokenFile[],
    room: number,
): Record<string, () => Promise<number>> {
    const state = {files: [...files], nEdits: 0, isSetUp: false};
    const ask = async (asked: readonly TokenFile[]): Promise<number> => askServer(lab, await lab.server(room), asked);
    /** The question before: its prompt is in the cache already, but for the first time. */
    const before = async (): Promise<void> => {
        if (!state.isSetUp) lab.say("llama-server reads the files");
        await ask(state.files);
        state.isSetUp = true;
    };
    return {
        "another-file-server": async () => {
            await before();
            return ask([...state.files, another]);
        },
        "reordered-server": async () => {
            await before();
            state.files = reordered(state.files);
            return ask(state.files);
        },
        "edited-server": async () => {
            await before();
            state.files = await firstEdited(lab, state.files, state.nEdits++);
            return ask(state.files);
        },
        "restart-server": async () => {
            await before();
            await lab.stopServer();
            await lab.server(room);
            return ask(state.files);
        },
        "window-server": async () => {
            await before();
            await ask(elsewhere);
            return ask(state.files);
        },
    };
}

/** The files of the question, and others: one more to attend, and what another window asks about. */
function disjointSetsOf(files: readonly TokenFile[], nTokens: number): [TokenFile[], TokenFile[]] {
    const [asked] = disjointSets(files, 1, nTokens) as [TokenFile[]];
    const rest = files.filter((file) => !asked.includes(file));
    const [another] = disjointSets(rest, 1, 1) as [TokenFile[]];
    const [elsewhere] = disjointSets(
        rest.filter((file) => !another.includes(file)),
        1,
        otherTokens,
    ) as [TokenFile[]];
    return [asked, [...another, ...elsewhere]];
}

/** The last file first: an order that has not been asked for until all files have been first. */
function reordered(files: readonly TokenFile[]): TokenFile[] {
    return [...files.slice(-1), ...files.slice(0, -1)];
}

/** Tells the edits of this run from those of one before it, which a store may hold. */
const startedMs = Date.now();

/** The n-th edit: one line more in the middle of the first file. */
async function firstEdited(lab: BenchLab, files: readonly TokenFile[], n: number): Promise<TokenFile[]> {
    const [first, ...rest] = files as [TokenFile, ...TokenFile[]];
    const lines = first.text.split("\n");
    lines.splice(Math.floor(lines.length / 2), 0, `// edit ${startedMs} ${n}`);
    return [await withText(lab, first, lines.join("\n")), ...rest];
}
