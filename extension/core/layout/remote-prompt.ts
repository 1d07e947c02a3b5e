/**
 * Owns the prompt for a server that has no segments: the same layout as ours (one fixed sentence, the files, what varies,
 * the conversation), so that a server which caches prefixes has the files' rows of the question before.
 */
import type {ChatTurn} from "../../protocol/engine.js";
import {filesMarker, systemMessage, type SystemParts} from "./chat-layout.js";

export interface ServerMessage {
    role: "system" | "user" | "assistant";
    content: string;
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
        ...turns.map(({role, text}): ServerMessage => ({role, content: text})),
    ];
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
