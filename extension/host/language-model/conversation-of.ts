/** Owns what the messages of VS Code's language models are as turns of the engine. Must not know who sends them. */
import * as vscode from "vscode";
import type {ChatTurn, ToolCall, ToolResult} from "../../protocol/engine.js";

type Message = vscode.LanguageModelChatRequestMessage;

/** Messages as turns that take turns, the last one the user's. What VS Code's chat marks as system text goes behind the files. */
export function conversationOf(messages: readonly Message[]): {turns: ChatTurn[]; instructions: string} {
    const turns: ChatTurn[] = [];
    const instructions: string[] = [];
    for (const message of messages) {
        const isAssistant = message.role === vscode.LanguageModelChatMessageRole.Assistant;
        if (!isAssistant && message.role !== vscode.LanguageModelChatMessageRole.User) {
            instructions.push(textOf(message));
            continue;
        }
        const role = isAssistant ? "assistant" : "user";
        const last = turns.at(-1);
        const asked = last?.role === "assistant" ? last.calls : turns.at(-2)?.calls;
        const {text, calls, results} = partsOf(message, new Set(asked?.map(({id}) => id)));
        if (last?.role === role) {
            last.text = [last.text, text].filter((part) => part !== "").join("\n\n");
            if (calls.length > 0) last.calls = [...(last.calls ?? []), ...calls];
            if (results.length > 0) last.results = [...(last.results ?? []), ...results];
        } else
            turns.push({
                role,
                text,
                ...(calls.length === 0 ? {} : {calls}),
                ...(results.length === 0 ? {} : {results}),
            });
    }
    if (turns[0]?.role !== "user") turns.unshift({role: "user", text: ""});
    if (turns.at(-1)?.role !== "user") turns.push({role: "user", text: ""});
    return {turns, instructions: instructions.join("\n\n")};
}

/** All of a message as text. */
export function textOf({content}: Message): string {
    return joined(content.map(partText));
}

/** @param asked calls whose results these may be; a result of any other is told as text */
function partsOf({content}: Message, asked: ReadonlySet<string>) {
    const texts: string[] = [];
    const calls: ToolCall[] = [];
    const results: ToolResult[] = [];
    for (const part of content) {
        if (part instanceof vscode.LanguageModelToolCallPart)
            calls.push({id: part.callId, name: part.name, arguments: JSON.stringify(part.input)});
        else if (part instanceof vscode.LanguageModelToolResultPart && asked.has(part.callId))
            results.push({id: part.callId, text: partText(part)});
        else texts.push(partText(part));
    }
    return {text: joined(texts), calls, results};
}

function partText(part: unknown): string {
    if (part instanceof vscode.LanguageModelTextPart) return part.value;
    if (part instanceof vscode.LanguageModelToolResultPart)
        return joined(([...part.content] as unknown[]).map(partText));
    if (part instanceof vscode.LanguageModelToolCallPart) return `${part.name} ${JSON.stringify(part.input)}`;
    return "";
}

function joined(texts: readonly string[]): string {
    return texts.filter((text) => text !== "").join("\n");
}
