/**
 * Owns the ways in which models spell a call of a tool: by which marks it is known, how it is read, and the grammar that
 * holds an answer to it. Must not know templates: which form a model has is told by its own.
 *
 * The forms are those of the makers' chat templates; llama.cpp's `common/chat.cpp` reads the same ones.
 */
import * as z from "zod";
import type {ToolCall, ToolDescription} from "../../protocol/engine.js";

type Tools = ReadonlyMap<string, ToolDescription>;
type Call = Omit<ToolCall, "id">;

export interface CallForm {
    /** Stands before a call. */
    open: string;
    /** Stands behind it; where nothing does, another call or the end of the answer ends it. */
    close?: string;
    /** Further marks inside, which may be special tokens as the first one is. */
    inner?: readonly string[];
    /** What a model that goes on behind its call would make up. */
    madeUp?: string;
    /** @returns undefined when it is no call of tools that there are */
    read(written: string, tools: Tools): Call[] | undefined;
    /** @param name a rule for the tools' names; `object` is one for the arguments */
    rule(name: string): string;
}

/** JSON in tags, as Hermes, Qwen and Granite 4 write it, or further tags, as Qwen3-Coder and Laguna do. */
export const tagged: CallForm = {
    open: "<tool_call>",
    close: "</tool_call>",
    madeUp: "<tool_response>",
    read(written, tools) {
        if (written.startsWith("<function=")) return one(readTags(written, functionTags, tools));
        return one(written.startsWith("{") ? callOf(parsed(written), tools) : readTags(written, keyTags, tools));
    },
    rule: (name) =>
        `${quoted('<tool_call>\n{"name": "')} ${name} ${quoted('", "arguments": ')} object ${quoted("}\n</tool_call>")}`,
};

/**
 * Mistral's special tokens. Devstral 2507: a name, `[ARGS]`, the arguments; Mistral Small 3.2 has a `[CALL_ID]` between
 * them; those before (Devstral 2505) write a list of objects.
 */
export const bracketed: CallForm = {
    open: "[TOOL_CALLS]",
    inner: ["[CALL_ID]", "[ARGS]"],
    read(written, tools) {
        if (written.startsWith("[")) return readList(written, tools);
        const [, name = "", given = ""] =
            /^([^[{\s]+)\s*(?:\[CALL_ID\][^[{]*)?(?:\[ARGS\])?\s*(\{[^]*\})$/.exec(written) ?? [];
        const values = parsed(given);
        return tools.has(name) && isObject(values) ? [{name, arguments: JSON.stringify(values)}] : undefined;
    },
    rule: (name) => `${quoted("[TOOL_CALLS]")} ${name} ${quoted("[ARGS]")} object`,
};

/** Granite 3: a special token, then a list of objects. */
export const listed: CallForm = {
    open: "<|tool_call|>",
    read: readList,
    rule: (name) =>
        `${quoted('<|tool_call|>[{"name": "')} ${name} ${quoted('", "arguments": ')} object ${quoted("}]")}`,
};

export const callForms: readonly CallForm[] = [tagged, bracketed, listed];

/** Which calls a tool's caller may insist on: one of these tools, with any object of arguments. */
export function callGrammar(form: CallForm, tools: readonly ToolDescription[]): string {
    const names = tools.map(({name}) => quoted(name)).join(" | ");
    return [
        `root ::= ${form.rule(`(${names})`)}`,
        'value ::= object | array | string | number | "true" | "false" | "null"',
        'object ::= "{" (string ": " value (", " string ": " value)*)? "}"',
        'array ::= "[" (value (", " value)*)? "]"',
        String.raw`string ::= "\"" ([^"\\\x00-\x1f] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F] [0-9a-fA-F] [0-9a-fA-F] [0-9a-fA-F]))* "\""`,
        'number ::= "-"? ("0" | [1-9] [0-9]*) ("." [0-9]+)? ([eE] [-+]? [0-9]+)?',
    ].join("\n");
}

const jsonCall = z.object({
    name: z.string().min(1),
    arguments: z.union([z.record(z.string(), z.unknown()), z.string()]).optional(),
    // As some fine-tunes call them.
    parameters: z.record(z.string(), z.unknown()).optional(),
});

function one(call: Call | undefined): Call[] | undefined {
    return call === undefined ? undefined : [call];
}

function readList(written: string, tools: Tools): Call[] | undefined {
    const list = parsed(written);
    const calls = Array.isArray(list) ? list.map((item) => callOf(item, tools)) : [];
    return calls.length > 0 && calls.every((call) => call !== undefined) ? calls : undefined;
}

function callOf(value: unknown, tools: Tools): Call | undefined {
    const checked = jsonCall.safeParse(value);
    if (!checked.success || !tools.has(checked.data.name)) return undefined;
    const {name, arguments: given, parameters} = checked.data;
    const values = typeof given === "string" ? parsed(given) : (given ?? parameters ?? {});
    return isObject(values) ? {name, arguments: JSON.stringify(values)} : undefined;
}

interface Tags {
    name: RegExp;
    /** Key and value of each argument. */
    argument: RegExp;
}
/** `<function=NAME>` with a `<parameter=NAME>` for each argument; ends may be missing. */
const functionTags: Tags = {
    name: /^<function=([^>\n]+)>/,
    argument: /<parameter=([^>\n]+)>\n?([^]*?)\n?(?:<\/parameter>|(?=<parameter=|<\/function>)|$)/g,
};
/** The name, then `<arg_key>` and `<arg_value>` in turn. */
const keyTags: Tags = {
    name: /^([^<\n]+)/,
    argument: /<arg_key>([^<]+)<\/arg_key>\s*<arg_value>([^]*?)<\/arg_value>/g,
};

/** A value is taken as it stands where a string is wanted, else as JSON. */
function readTags(written: string, tags: Tags, tools: Tools): Call | undefined {
    const name = tags.name.exec(written)?.[1]?.trim() ?? "";
    const tool = tools.get(name);
    if (tool === undefined) return undefined;
    const {properties} = tool.parameters ?? {};
    const values: Record<string, unknown> = {};
    for (const [, key = "", value = ""] of written.matchAll(tags.argument)) {
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
