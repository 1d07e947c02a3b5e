/**
 * A conversation as it is kept: its turns, what each brought along and what each answer cost, and the turns that an
 * edit or another try replaced. Pure: every change gives a new conversation.
 */
import * as z from "zod";
import {type ChatTurn} from "../../protocol/engine.js";

const text = z.string().max(4_000_000);
const path = z.string().min(1).max(4096);
const count = z.number().nonnegative();

const errorSchema = z.object({code: z.string().max(60), message: text, fix: text.optional()});

const attendedSchema = z.array(
    z.object({
        path,
        tokens: count,
        keptRows: count,
        why: z.enum(["pinned", "context", "named", "open", "imported", "matched"]),
        detail: z.string().optional(),
    }),
);
const leftOutSchema = z.array(z.object({path, why: z.string()}));

export const reportSchema = z.object({
    tokens: count,
    ttftMs: count,
    tokensPerSecond: count,
    attended: attendedSchema,
    leftOut: leftOutSchema,
    reusedTokens: count,
    readTokens: count,
    stop: z.enum(["endOfText", "maxTokens", "windowEnd", "stopped", "cancelled"]),
    notes: z.array(z.string()),
    conversationTokens: count,
    conversationKeptRows: count,
});

const userTurnSchema = z.object({
    id: z.string().min(1).max(100),
    role: z.literal("user"),
    /** As it was typed, mentions and command included. */
    text,
    /** As the model read it. Kept, so that the same conversation is the same tokens tomorrow. */
    prompt: text,
    /** What was brought along, in words: "src/a.ts:3-20". */
    attached: z.array(z.object({label: z.string(), path: path.optional(), line: count.optional()})),
    /** Files and folders that the question named. */
    named: z.array(path),
    /** Left out of this question by the user. */
    excluded: z.array(path),
    createdAtMs: count,
});

/** A tool that an answer wanted, and what became of it. */
const toolUseSchema = z.object({
    id: z.string().min(1).max(200),
    name: z.string().max(500),
    /** JSON of an object. */
    arguments: text,
    state: z.enum(["asked", "running", "done", "failed", "refused"]),
    /** What the model is told: the tool's text, or why there is none. */
    result: text.optional(),
});

const answerTurnSchema = z.object({
    id: z.string().min(1).max(100),
    role: z.literal("assistant"),
    /** Behind the last step. */
    text,
    /** What was said before tools were called, and those tools: the model has answered again behind each. */
    steps: z.array(z.object({text, calls: z.array(toolUseSchema)})).optional(),
    thought: text.optional(),
    createdAtMs: count,
    report: reportSchema.optional(),
    /** What it saw, also when it was stopped before its report. */
    attended: attendedSchema.optional(),
    leftOut: leftOutSchema.optional(),
    /** Why there is no more of it. */
    error: errorSchema.optional(),
    /** Written, but never finished: the window or the engine went away. */
    isPartial: z.boolean().optional(),
    /** Repository instruction files that were sent along. */
    instructions: z.array(path).optional(),
});

export const turnSchema = z.discriminatedUnion("role", [userTurnSchema, answerTurnSchema]);

export const conversationSchema = z.object({
    id: z.string().regex(/^[0-9a-z-]{8,64}$/),
    name: z.string().min(1).max(200),
    /** Otherwise the name follows the first question. */
    isNamed: z.boolean(),
    createdAtMs: count,
    updatedAtMs: count,
    turns: z.array(turnSchema),
    /** What was typed and not sent. */
    draft: text,
    /** Endings that were replaced: behind the turn `after` ("" for the beginning), oldest first. */
    branches: z.array(z.object({after: z.string().max(100), place: z.int().nonnegative(), turns: z.array(turnSchema)})),
});

export type UserTurn = z.infer<typeof userTurnSchema>;
export type AnswerTurn = z.infer<typeof answerTurnSchema>;
export type Turn = z.infer<typeof turnSchema>;
export type Conversation = z.infer<typeof conversationSchema>;
export type ToolUse = z.infer<typeof toolUseSchema>;
export type AnswerFigures = z.infer<typeof reportSchema>;

export const newName = "New conversation";

export function newConversation(id: string, nowMs: number): Conversation {
    return {
        id,
        name: newName,
        isNamed: false,
        createdAtMs: nowMs,
        updatedAtMs: nowMs,
        turns: [],
        draft: "",
        branches: [],
    };
}

/** Adds a turn at the end; a first question names a conversation that has no name yet. */
export function addTurn(conversation: Conversation, turn: Turn): Conversation {
    const isFirst = !conversation.isNamed && !conversation.turns.some(({role}) => role === "user");
    const name = isFirst && turn.role === "user" ? nameOf(turn) : conversation.name;
    return {...conversation, name, turns: [...conversation.turns, turn], updatedAtMs: turn.createdAtMs};
}

/** Replaces the turn of the same id, as while an answer comes. An ending that is not shown counts too. */
export function putTurn(conversation: Conversation, turn: Turn): Conversation {
    const put = (turns: readonly Turn[]) => turns.map((known) => (known.id === turn.id ? turn : known));
    const branches = conversation.branches.map((branch) =>
        branch.turns.some(({id}) => id === turn.id) ? {...branch, turns: put(branch.turns)} : branch,
    );
    return {...conversation, turns: put(conversation.turns), branches};
}

export function rename(conversation: Conversation, name: string): Conversation {
    const clean = oneLine(name, 200);
    return clean === "" ? conversation : {...conversation, name: clean, isNamed: true};
}

/** The question, short enough for a list. A command alone says too little: what it is about goes with it. */
export function nameOf({text, attached, named}: Pick<UserTurn, "text" | "attached" | "named">): string {
    const about = /^\s*\/[a-z-]+\s*$/i.test(text) ? (attached[0]?.label ?? named[0] ?? "") : "";
    return oneLine(`${text.replace(/```[\s\S]*?(?:```|$)/g, " ")} ${about}`, 60) || newName;
}

/** What the engine gets: whole turns, without reasoning, without answers that failed before their first word. */
export function turnsForEngine(turns: readonly Turn[]): ChatTurn[] {
    const sent: ChatTurn[] = [];
    for (const turn of turns) {
        const next: ChatTurn[] =
            turn.role === "user" ? [{role: "user", text: turn.prompt}] : [...stepsForEngine(turn), ...said(turn)];
        for (const one of next) {
            // A question without an answer, then another: one turn, since templates want them in turn.
            const last = sent.at(-1);
            if (last !== undefined && last.role === one.role) {
                last.text = last.text === "" ? one.text : `${last.text}\n\n${one.text}`;
                if (one.calls !== undefined) last.calls = [...(last.calls ?? []), ...one.calls];
            } else sent.push(one);
        }
    }
    return sent;
}

function said({text: answer}: AnswerTurn): ChatTurn[] {
    return answer.trim() === "" ? [] : [{role: "assistant", text: answer}];
}

/** Each step is an answer of its own, and what its tools said; calls that came to nothing are left out. */
function stepsForEngine({steps = []}: AnswerTurn): ChatTurn[] {
    return steps.flatMap((step): ChatTurn[] => {
        const over = step.calls.flatMap(({id, name, arguments: given, result}) =>
            result === undefined ? [] : [{call: {id, name, arguments: given}, result: {id, text: result}}],
        );
        if (over.length === 0) return step.text.trim() === "" ? [] : [{role: "assistant", text: step.text}];
        return [
            {role: "assistant", text: step.text, calls: over.map(({call}) => call)},
            {role: "user", text: "", results: over.map(({result}) => result)},
        ];
    });
}

/**
 * Takes the turn and all behind it away, to be written anew. They are kept as a branch.
 * @returns undefined when there is no such turn
 */
export function cutBefore(conversation: Conversation, turnId: string): Conversation | undefined {
    const at = conversation.turns.findIndex(({id}) => id === turnId);
    if (at === -1) return undefined;
    const after = conversation.turns[at - 1]?.id ?? "";
    const branches = conversation.branches.filter((branch) => branch.after === after);
    // The place that is free is the one of the ending that is shown now.
    const place = freePlace(branches.map((branch) => branch.place));
    return {
        ...conversation,
        turns: conversation.turns.slice(0, at),
        branches: [...conversation.branches, {after, place, turns: conversation.turns.slice(at)}],
    };
}

/** How many endings there are behind each turn and which is shown, for turns that have more than one. */
export function branchPlaces(conversation: Conversation): Map<string, {current: number; count: number}> {
    const places = new Map<string, {current: number; count: number}>();
    for (const [at, turn] of conversation.turns.entries()) {
        const after = conversation.turns[at - 1]?.id ?? "";
        const others = conversation.branches.filter((branch) => branch.after === after);
        if (others.length === 0) continue;
        places.set(turn.id, {current: freePlace(others.map(({place}) => place)), count: others.length + 1});
    }
    return places;
}

/** Shows another ending from this turn on; the one shown now is kept in its place. */
export function switchBranch(conversation: Conversation, turnId: string, place: number): Conversation | undefined {
    const at = conversation.turns.findIndex(({id}) => id === turnId);
    const after = conversation.turns[at - 1]?.id ?? "";
    const others = conversation.branches.filter((branch) => branch.after === after);
    const target = others.find((branch) => branch.place === place);
    if (at === -1 || target === undefined) return undefined;
    const shown = {after, place: freePlace(others.map((branch) => branch.place)), turns: conversation.turns.slice(at)};
    return {
        ...conversation,
        turns: [...conversation.turns.slice(0, at), ...target.turns],
        branches: [...conversation.branches.filter((branch) => branch !== target), shown],
    };
}

/**
 * Two windows changed the same conversation. One that only went on has all of the other; where both went on, ours is
 * shown and theirs is another ending.
 */
export function mergeConversations(ours: Conversation, theirs: Conversation): Conversation {
    const nShared = ours.turns.findIndex((turn, at) => turn.id !== theirs.turns[at]?.id);
    const common = nShared === -1 ? ours.turns.length : nShared;
    const known = new Set(ours.branches.map(branchKey));
    const branches = [...ours.branches];
    const theirRest = theirs.turns.slice(common);
    const after = ours.turns[common - 1]?.id ?? "";
    const added = [...theirs.branches, ...(theirRest.length > 0 ? [{after, place: 0, turns: theirRest}] : [])];
    const shown = branchKey({after, turns: ours.turns.slice(common)});
    const shared = ours.turns.slice(0, common).map((turn, at) => further(turn, theirs.turns[at] ?? turn));
    let turns = [...shared, ...ours.turns.slice(common)];
    for (const branch of added) {
        if (known.has(branchKey(branch)) || (branch.after === after && branchKey(branch) === shown)) continue;
        if (branch.after === after && ours.turns.length === common && branch.turns === theirRest) {
            // They only went on.
            turns = [...shared, ...theirRest];
            continue;
        }
        known.add(branchKey(branch));
        const isOurs = branch.after === after || ours.branches.some((other) => other.after === branch.after);
        const nTaken = branches.filter((other) => other.after === branch.after).length;
        // Behind all others: the endings and the one that is shown have the places from 0 on.
        branches.push(isOurs ? {...branch, place: nTaken + 1} : branch);
    }
    return {
        ...ours,
        turns,
        branches,
        name: !ours.isNamed && theirs.isNamed ? theirs.name : ours.name,
        isNamed: ours.isNamed || theirs.isNamed,
        updatedAtMs: Math.max(ours.updatedAtMs, theirs.updatedAtMs),
    };
}

/** Each conversation that holds all words of a search, in its name or its turns. */
export function matches({name, turns}: Pick<Conversation, "name" | "turns">, search: string): boolean {
    const hay = [name, ...turns.map((turn) => turn.text)].join("\n").toLowerCase();
    return search
        .toLowerCase()
        .split(/\s+/)
        .every((word) => hay.includes(word));
}

/** Of two states of one turn the one that has come further. */
function further(ours: Turn, theirs: Turn): Turn {
    if (ours.role === "user" || theirs.role === "user") return ours;
    return ours.isPartial === true && (theirs.isPartial !== true || theirs.text.length > ours.text.length)
        ? theirs
        : ours;
}

function branchKey({after, turns}: {after: string; turns: readonly Turn[]}): string {
    return [after, ...turns.map(({id}) => id)].join("\n");
}

function freePlace(taken: readonly number[]): number {
    let place = 0;
    while (taken.includes(place)) place++;
    return place;
}

function oneLine(value: string, limit: number): string {
    const line = value.replace(/\s+/g, " ").trim();
    if (line.length <= limit) return line;
    const cut = line.lastIndexOf(" ", limit - 1);
    return `${line.slice(0, cut > limit / 2 ? cut : limit - 1).trimEnd()}…`;
}
