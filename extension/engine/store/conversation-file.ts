/**
 * The text form of a conversation: JSON with one turn per line, each line with its own check sum, so
 * that damage to one place costs the turns in that place and no others. Does no I/O.
 *
 *     {"head":{...},"sum":"...","turns":[
 *     {"index":0,"sum":"...","turn":{...}},
 *     {"index":1,"sum":"...","turn":{...}}
 *     ]}
 */
import {z} from "zod";
import type {Hashes} from "./load-hashes.js";

export const turnSchema = z.strictObject({
    id: z.string().min(1).max(200),
    role: z.enum(["system", "user", "assistant"]),
    text: z.string(),
    createdAtMs: z.number().nonnegative(),
    /** What a client shows with the turn: attended files, figures. */
    details: z.json().optional(),
});

/** A later version keeps the first line's form, so that this one knows what it must leave alone. */
const version = 1;
const versionSchema = z.object({format: z.literal("kvasir-conversation"), version: z.int()});

const headSchema = z.strictObject({
    format: z.literal("kvasir-conversation"),
    version: z.literal(version),
    id: z.string().regex(/^[0-9a-f]{32}$/),
    name: z.string().min(1).max(200),
    createdAtMs: z.number().nonnegative(),
    updatedAtMs: z.number().nonnegative(),
    revision: z.int().positive(),
    /** Random names of the last saves, oldest first: tells whether a later revision was built on a given one. */
    lineage: z.array(z.string().min(1).max(40)).max(64),
    nTurns: z.int().nonnegative(),
    /** Set when the conversation was put together from a damaged file. `nLost`: turns known to be missing, null when unknown. */
    recovered: z.strictObject({atMs: z.number(), nLost: z.int().nullable()}).optional(),
});

export type Turn = z.infer<typeof turnSchema>;
type Head = z.infer<typeof headSchema>;

export interface Conversation extends Omit<Head, "format" | "version" | "nTurns"> {
    turns: Turn[];
}

/** What could be read of a file: all of it, or what is left. */
export interface DecodedConversation {
    head: Head | undefined;
    /** By index; only turns whose check sum is right. */
    turns: Map<number, Turn>;
    isIntact: boolean;
}

// With the s flag, since JSON leaves U+2028 and U+2029 in strings and they are line ends to a dot.
const headLine = /^\{"head":(\{.*\}),"sum":"([0-9a-f]{32})","turns":\[$/s;
const turnLine = /^\{"index":(\d{1,9}),"sum":"([0-9a-f]{32})","turn":(\{.*\})\},?$/s;
const lastLine = "]}";

/** @throws z.ZodError for turns or a name that do not fit the schema. */
export function encodeConversation({turns, ...rest}: Conversation, hashes: Hashes): string {
    const head = JSON.stringify(
        headSchema.parse({format: "kvasir-conversation", version, ...rest, nTurns: turns.length}),
    );
    const lines = turns.map((turn, index) => {
        const text = JSON.stringify(turnSchema.parse(turn));
        return `{"index":${index},"sum":"${turnSum(rest.id, index, text, hashes)}","turn":${text}}`;
    });
    return `{"head":${head},"sum":"${sum(head, hashes)}","turns":[\n${lines.join(",\n")}${lines.length > 0 ? "\n" : ""}${lastLine}\n`;
}

/** Reads whatever is whole. @param id of the conversation, from the file's name: a line of another conversation does not pass. */
export function decodeConversation(text: string, id: string, hashes: Hashes): DecodedConversation | "newer" {
    const lines = text.split("\n");
    const match = headLine.exec(lines[0] ?? "");
    const json = match !== null && sum(match[1] as string, hashes) === match[2] ? (match[1] as string) : "null";
    if ((parse(versionSchema, json)?.version ?? 0) > version) return "newer";
    const turns = new Map<number, Turn>();
    for (const line of lines) {
        const found = turnLine.exec(line);
        if (found === null) continue;
        const [, digits, expected, turnJson] = found as unknown as [string, string, string, string];
        const index = Number(digits);
        if (turnSum(id, index, turnJson, hashes) !== expected) continue;
        const turn = parse(turnSchema, turnJson);
        if (turn !== undefined) turns.set(index, turn);
    }
    const head = parse(headSchema, json);
    const isWhole =
        head?.id === id && turns.size === head.nTurns && [...turns.keys()].every((index) => index < head.nTurns);
    const isIntact = isWhole && lines.length === head.nTurns + 3 && lines.at(-2) === lastLine && lines.at(-1) === "";
    return {head: head?.id === id ? head : undefined, turns, isIntact};
}

/**
 * Puts a conversation together from a damaged file. A turn that is lost there is taken from the
 * revision before, where it still has its last wording unless just that turn was edited.
 * @returns undefined when neither a turn nor a name is left.
 */
export function recoverConversation(
    damaged: DecodedConversation,
    before: DecodedConversation | undefined,
    at: {id: string; revision: number; nowMs: number},
): Conversation | undefined {
    const head = damaged.head ?? before?.head;
    const nTurns = damaged.head?.nTurns;
    const merged = new Map([...(before?.turns ?? []), ...damaged.turns]);
    const turns = [...merged]
        .filter(([index]) => nTurns === undefined || index < nTurns)
        .sort(([a], [b]) => a - b)
        .map(([, turn]) => turn);
    if (turns.length === 0 && head === undefined) return undefined;
    return {
        id: at.id,
        name: head?.name ?? "Recovered conversation",
        createdAtMs: head?.createdAtMs ?? turns[0]?.createdAtMs ?? at.nowMs,
        updatedAtMs: at.nowMs,
        revision: at.revision,
        lineage: head?.lineage ?? [],
        recovered: {atMs: at.nowMs, nLost: nTurns === undefined ? null : nTurns - turns.length},
        turns,
    };
}

function parse<T>(schema: z.ZodType<T>, json: string): T | undefined {
    try {
        return schema.parse(JSON.parse(json));
    } catch {
        return undefined;
    }
}

function turnSum(id: string, index: number, json: string, hashes: Hashes): string {
    return sum(`${id}\n${index}\n${json}`, hashes);
}

function sum(text: string, {xxh128}: Hashes): string {
    return Buffer.from(xxh128(Buffer.from(text))).toString("hex");
}
