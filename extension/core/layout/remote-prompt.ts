/**
 * Owns the prompt for a server that has no segments: the same layout as ours (one fixed sentence, the files, what varies,
 * the conversation), so that a server which caches prefixes has the files' rows of the question before.
 */
import type {ChatTurn, ToolDescription} from "../../protocol/engine.js";
import {filesMarker, systemMessage, type SystemParts} from "./chat-layout.js";

export type ServerMessage =
    | {role: "system" | "user"; content: string}
    | {role: "assistant"; content: string; tool_calls?: ServerCall[]}
    | {role: "tool"; tool_call_id: string; content: string};

export interface ServerCall {
    id: string;
    type: "function";
    function: {name: string; arguments: string};
}

/** @param files texts with their headers, in the order of FileOrder */
export function serverMessages(
    files: readonly {text: string}[],
    turns: readonly ChatTurn[],
    parts: SystemParts,
): ServerMessage[] {
    // Cut, not replaced: a file may contain what `replace` takes for a pattern.
    const [before = "", after = ""] = systemMessage(parts).split(filesMarker);
    return [
        {role: "system", content: `${before}${files.map(({text}) => text).join("")}${after}`},
        ...turns.flatMap(messagesOf),
    ];
}

function messagesOf({role, text, calls = [], results}: ChatTurn): ServerMessage[] {
    if (role === "assistant") {
        const tool_calls = calls.map(({id, name, arguments: given}) => ({
            id,
            type: "function" as const,
            function: {name, arguments: given},
        }));
        return [{role, content: text, ...(calls.length === 0 ? {} : {tool_calls})}];
    }
    const said = (results ?? []).map(({id, text: content}) => ({role: "tool" as const, tool_call_id: id, content}));
    return [...said, ...(results === undefined || text !== "" ? [{role, content: text}] : [])];
}

/** Tools as the API names them. */
export function serverTools(tools: readonly ToolDescription[]): object[] {
    return tools.map(({name, description, parameters = {type: "object", properties: {}}}) => ({
        type: "function",
        function: {name, description, parameters},
    }));
}

/** Tokens of a conversation and of what stands around it, as `estimatedTokens` counts. */
export function estimatedConversation(turns: readonly ChatTurn[], ...others: readonly string[]): number {
    const ofTurn = ({text, calls = [], results = []}: ChatTurn) =>
        [text, ...calls.map((call) => call.name + call.arguments), ...results.map((result) => result.text)]
            .map((part) => estimatedTokens(part) + 8)
            .reduce((sum, n) => sum + n, 0);
    return [...turns.map(ofTurn), ...others.map(estimatedTokens)].reduce((sum, n) => sum + n, 0);
}

/**
 * Tokens of a text, estimated on the high side: code has three to four characters a token, other scripts about one.
 * Exact numbers are the server's alone.
 */
export function estimatedTokens(text: string): number {
    let wide = 0;
    for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) wide++;
    return Math.ceil((text.length - wide) / 3 + wide);
}
