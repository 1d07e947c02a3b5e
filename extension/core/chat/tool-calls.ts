/**
 * Owns how a model's wish to have tools run is read from its text, while that streams: `<tool_call>` with a JSON object as
 * Hermes, Qwen and Granite write it, or with `<function=...>` as Qwen3-Coder does. Must not know templates or who runs
 * the tools. What is no call of a tool that there is stays text: nothing that a model writes is lost.
 */
import * as z from "zod";
import type {ChatTurn, ToolCall, ToolDescription} from "../../protocol/engine.js";

export const callOpen = "<tool_call>";
const callClose = "</tool_call>";
/** What a model that goes on behind its call would make up. */
export const resultOpen = "<tool_response>";

export class ToolCallSplitter {
    readonly calls: ToolCall[] = [];
    readonly #tools: ReadonlyMap<string, ToolDescription>;
    readonly #out: (piece: string) => void;
    readonly #newId: () => string;
    #held = "";
    #isInside = false;
    #isBehindCall = false;

    /** @param out text that belongs to no call */
    constructor(tools: readonly ToolDescription[], out: (piece: string) => void, newId: () => string) {
        this.#newId = newId;
        this.#tools = new Map(tools.map((tool) => [tool.name, tool]));
        this.#out = out;
    }

    push(piece: string): void {
        this.#held += piece;
        while (this.#step());
    }

    /** The answer is over: a call that was not closed may be whole all the same. */
    end(): void {
        if (this.#isInside) this.#take(this.#held, "");
        else this.#give(this.#held);
        this.#held = "";
    }

    /** @returns true when a mark was passed and there may be another */
    #step(): boolean {
        const mark = this.#isInside ? callClose : callOpen;
        const at = this.#held.indexOf(mark);
        if (at !== -1) {
            const before = this.#held.slice(0, at);
            this.#held = this.#held.slice(at + mark.length);
            if (this.#isInside) this.#take(before, callClose);
            else this.#give(before);
            this.#isInside = !this.#isInside;
            return true;
        }
        if (this.#isInside) return false;
        const nHeld = beginning(this.#held, mark);
        this.#give(this.#held.slice(0, this.#held.length - nHeld));
        this.#held = this.#held.slice(this.#held.length - nHeld);
        return false;
    }

    #take(body: string, close: string): void {
        const call = readCall(body.trim(), this.#tools);
        if (call === undefined) this.#out(`${callOpen}${body}${close}`);
        else this.calls.push({id: this.#newId(), ...call});
        this.#isBehindCall = call !== undefined;
    }

    /** Blanks between two calls, and behind the last one, are no answer. */
    #give(text: string): void {
        const rest = this.#isBehindCall ? text.trimStart() : text;
        if (rest === "") return;
        this.#isBehindCall = false;
        this.#out(rest);
    }
}

const jsonCall = z.object({
    name: z.string().min(1),
    arguments: z.union([z.record(z.string(), z.unknown()), z.string()]).optional(),
    // As some fine-tunes call them.
    parameters: z.record(z.string(), z.unknown()).optional(),
});

type Tools = ReadonlyMap<string, ToolDescription>;
type Call = Omit<ToolCall, "id">;

function readCall(written: string, tools: Tools): Call | undefined {
    if (written.startsWith("<function=")) return readTagged(written, tools);
    const checked = jsonCall.safeParse(parsed(written));
    if (!checked.success || !tools.has(checked.data.name)) return undefined;
    const {name, arguments: given, parameters} = checked.data;
    const values = typeof given === "string" ? parsed(given) : (given ?? parameters ?? {});
    return isObject(values) ? {name, arguments: JSON.stringify(values)} : undefined;
}

/** `<function=NAME>` with a `<parameter=NAME>` for each argument: as it stands where a string is wanted, else JSON. */
function readTagged(written: string, tools: Tools): Call | undefined {
    const name = /^<function=([^>\n]+)>/.exec(written)?.[1]?.trim() ?? "";
    const tool = tools.get(name);
    if (tool === undefined) return undefined;
    const {properties} = tool.parameters ?? {};
    const values: Record<string, unknown> = {};
    for (const [, key = "", value = ""] of written.matchAll(
        /<parameter=([^>\n]+)>\n?([^]*?)\n?(?:<\/parameter>|(?=<parameter=|<\/function>)|$)/g,
    )) {
        const wanted: unknown = isObject(properties) ? properties[key.trim()] : undefined;
        const isText = isObject(wanted) && wanted["type"] === "string";
        values[key.trim()] = isText ? value : (parsed(value) ?? value);
    }
    // All of them in one, as the prompt shows earlier calls in this form.
    const {params, ...others} = values;
    const isAll =
        isObject(params) && Object.keys(others).length === 0 && !(isObject(properties) && "params" in properties);
    return {name, arguments: JSON.stringify(isAll ? params : values)};
}

/** Which calls a tool's caller may insist on: one of these tools, with any object of arguments. */
export function callGrammar(tools: readonly ToolDescription[]): string {
    const names = tools.map(({name}) => quoted(name)).join(" | ");
    return [
        `root ::= ${quoted(`${callOpen}\n{"name": "`)} (${names}) ${quoted('", "arguments": ')} object ${quoted(`}\n${callClose}`)}`,
        'value ::= object | array | string | number | "true" | "false" | "null"',
        'object ::= "{" (string ": " value (", " string ": " value)*)? "}"',
        'array ::= "[" (value (", " value)*)? "]"',
        String.raw`string ::= "\"" ([^"\\\x00-\x1f] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F] [0-9a-fA-F] [0-9a-fA-F] [0-9a-fA-F]))* "\""`,
        'number ::= "-"? ("0" | [1-9] [0-9]*) ("." [0-9]+)? ([eE] [-+]? [0-9]+)?',
    ].join("\n");
}

/** A conversation for a model that calls no tools, in which another one has called some: what they said, as text. */
export function withoutCalls(turns: readonly ChatTurn[]): ChatTurn[] {
    return turns.map(({role, text, calls = [], results = []}, i) => {
        const named = new Map(turns[i - 1]?.calls?.map(({id, name}) => [id, name]));
        const told = [
            ...results.map(({id, text: said}) => `Result of ${named.get(id) ?? "a tool"}:\n${said}`),
            text,
            ...calls.map(({name, arguments: given}) => `(${name} ${given})`),
        ];
        return {role, text: told.filter((part) => part !== "").join("\n\n")};
    });
}

/** A text of the grammar's own notation. */
function quoted(text: string): string {
    return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}

function parsed(text: string): unknown {
    try {
        return JSON.parse(text);
    } catch {
        return undefined;
    }
}

/** Whether a text is JSON of an object, as the arguments of a call are. */
export function isJsonObject(text: string): boolean {
    return isObject(parsed(text));
}

function isObject(value: unknown): value is Record<string, unknown> {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Length of the longest end of `text` that begins `mark`: what has to be held back while text streams. */
export function beginning(text: string, mark: string): number {
    for (let n = Math.min(text.length, mark.length - 1); n > 0; n--) if (text.endsWith(mark.slice(0, n))) return n;
    return 0;
}
