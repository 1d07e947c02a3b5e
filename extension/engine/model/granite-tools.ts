/**
 * Owns what Granite 3.3 needs for tools: its template lists them behind the system message, but knows neither calls nor
 * results. A call stands in an answer as its instruction asks for it, a result under the role `tool`, which the template prints
 * as any other. node-llama-cpp would describe tools in a form of its own there.
 */
import type * as library from "node-llama-cpp";
import type {ChatWrapper} from "node-llama-cpp";
import {listed} from "../../core/chat/call-forms.js";
import type {ToolDescription} from "../../protocol/engine.js";
import {type PlacedPieces, markOf} from "./placed-pieces.js";

/** From the template's own system message, which gives way to that of whoever asks. */
export const graniteInstruction =
    "You are a helpful assistant with access to the following tools. When a tool is required to answer the user's query, respond only with <|tool_call|> followed by a JSON list of tools used. If a tool does not exist in the provided list of tools, notify the user that you do not have the ability to fulfill the request.";

const call = markOf("call");
const result = markOf("result");
const on = markOf("on");

/** Special tokens in the conversation, which node-llama-cpp would take for plain text. */
export function graniteTokens({SpecialTokensText}: typeof library): PlacedPieces {
    return new Map([
        [call, new SpecialTokensText(listed.open)],
        [result, new SpecialTokensText("<|end_of_text|>\n<|start_of_role|>tool<|end_of_role|>")],
        [on, new SpecialTokensText("<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>")],
    ]);
}

export function isGranite3(template: string): boolean {
    return (
        template.includes("available_tools") && template.includes("<|start_of_role|>") && template.includes(listed.open)
    );
}

export function graniteWrapper(
    {JinjaTemplateChatWrapper}: typeof library,
    template: string,
    tools: readonly ToolDescription[],
): ChatWrapper {
    const described = tools.map((tool) => ({type: "function", function: tool}));
    return new JinjaTemplateChatWrapper({
        template,
        functionCallMessageTemplate: {
            call: `${call}[{"name": "{{functionName}}", "arguments": {{functionParams}}}]`,
            result: `${result}{{functionCallResult}}${on}`,
        },
        ...(described.length === 0 ? {} : {additionalRenderParameters: {tools: described}}),
    });
}
