/** Owns what the answers of all routes have in common: ids, the model's name, which files are meant, why it ended. */
import {randomUUID} from "node:crypto";
import type {AnswerReport, ContextChoice} from "../../protocol/engine.js";
import {modelNotServed} from "../../protocol/errors.js";
import type {LiveWorkspace} from "../live-workspace.js";

/** For clients that are set up once and should not care which model runs. */
export const modelAlias = "kvasir";

export function newId(kind: "chatcmpl" | "cmpl"): string {
    return `${kind}-${randomUUID().replaceAll("-", "")}`;
}

/**
 * The name of the model that answers.
 * @throws KvasirError `model-unknown` when another one is wanted
 */
export async function checkModel({modelName}: {modelName: () => Promise<string>}, wanted: string): Promise<string> {
    const name = await modelName();
    if (wanted !== name && wanted !== modelAlias) throw modelNotServed(wanted, [name, modelAlias]);
    return name;
}

/**
 * Without `context` files are chosen from the whole workspace, as in the chat; with it those named and no others.
 * @throws KvasirError `file-missing`
 */
export function choiceOf(workspace: LiveWorkspace, context: readonly string[] | undefined): ContextChoice {
    return context === undefined ? {} : {context: workspace.filesNamed(context), onlyNamed: true};
}

export function finishReason(
    {stop, calls}: Pick<AnswerReport, "stop" | "calls">,
    isStopped: boolean,
): "stop" | "length" | "tool_calls" {
    if (calls !== undefined && !isStopped) return "tool_calls";
    return !isStopped && (stop === "maxTokens" || stop === "windowEnd") ? "length" : "stop";
}
