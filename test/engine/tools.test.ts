/**
 * Tools by a model's own template: the small model with the templates of others, whose prompts are known from their makers,
 * and a grammar that makes it call. Qwen2.5's ChatML tokens are its own; those by which Devstral and Granite 3 know calls take
 * the place of special tokens that it does not use.
 */
import {mkdtempSync, readFileSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import path from "node:path";
import {afterAll, beforeAll, describe, expect, it} from "vitest";
import {bracketed, listed, tagged} from "../../extension/core/chat/call-forms.js";
import {createEngine} from "../../extension/engine/engine.js";
import {ChatFormat} from "../../extension/engine/model/chat-format.js";
import {TextStream} from "../../extension/engine/model/text-stream.js";
import type {LoadedModel} from "../../extension/engine/model/loaded-model.js";
import type {ChatTurn, EngineApi, ToolDescription} from "../../extension/protocol/engine.js";
import {patchGguf} from "../native/patched-gguf.js";
import {loadSmallModel, root, smallModelPath} from "../native/small-model.js";
import {weatherBefore, weatherTool} from "../reference/weather-calls.js";

const folder = mkdtempSync(path.join(tmpdir(), "kvasir-tools-"));
const modelPath = path.join(folder, "qwen-template.gguf");

/** The small model with the chat template of another one. */
function withTemplate(name: string, to: string, tokens: Record<string, string> = {}): string {
    const value = readFileSync(path.join(root, `test/fixtures/${name}-template.jinja`), "utf8");
    patchGguf(smallModelPath, to, {set: {"tokenizer.chat_template": {type: "string", value}}, tokens});
    return to;
}

const tools: ToolDescription[] = [
    {
        name: "get_weather",
        description: "Weather of a city",
        parameters: {type: "object", properties: {city: {type: "string"}}, required: ["city"]},
    },
    {name: "list", description: "Lists"},
];
/** As a tool may say it: no template's JSON is to spell it anew. */
const said = '3 degrees,\n"colder" in <the> north "';
const asked: ChatTurn[] = [
    {role: "user", text: "Weather in Oslo?"},
    {role: "assistant", text: "", calls: [{id: "1", name: "get_weather", arguments: '{"city":"Oslo"}'}]},
    {role: "user", text: "", results: [{id: "1", text: said}]},
];

beforeAll(() => void withTemplate("qwen2.5", modelPath));
afterAll(() => rmSync(folder, {recursive: true, force: true}));

describe("a template with tools", () => {
    let model: LoadedModel;
    beforeAll(async () => void (model = await loadSmallModel(modelPath)));
    afterAll(() => model.dispose());

    it("describes them behind the files, and calls and results as its makers do", async () => {
        const format = await ChatFormat.of(model.model);
        expect(format.calls).toBe(tagged);
        const {tail} = format.render(asked, {}, [tools[0]!]);
        const text = model.model.detokenize(Array.from(tail) as never, true);
        // From Qwen2.5's documentation of function calling, behind our own line of instructions.
        expect(text.slice(text.indexOf("\n\n# Tools"))).toBe(
            [
                "\n\n# Tools\n\nYou may call one or more functions to assist with the user query.\n",
                "You are provided with function signatures within <tools></tools> XML tags:\n<tools>",
                '{"type": "function", "function": {"name": "get_weather", "description": "Weather of a city", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}',
                "</tools>\n\nFor each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:",
                '<tool_call>\n{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call><|im_end|>',
                "<|im_start|>user\nWeather in Oslo?<|im_end|>",
                '<|im_start|>assistant\n<tool_call>\n{"name": "get_weather", "arguments": {"city": "Oslo"}}\n</tool_call><|im_end|>',
                `<|im_start|>user\n<tool_response>\n${said}\n</tool_response><|im_end|>`,
                "<|im_start|>assistant\n",
            ].join("\n"),
        );
        // The files' rows were read behind this prefix, with tools or without.
        expect(format.render([{role: "user", text: "?"}], {}).tail.length).toBeLessThan(tail.length);
    });

    it("of a model that has none is not used: what tools said is text", async () => {
        const plain = await loadSmallModel();
        const format = await ChatFormat.of(plain.model);
        expect(format.calls).toBeUndefined();
        const text = plain.model.detokenize(Array.from(format.render(asked, {}, tools).tail) as never, true);
        expect(text).toContain(`Result of get_weather:\n${said}`);
        expect(text).not.toContain("# Tools");
        await plain.dispose();
    });
});

/** The text of a prompt with its special tokens, from the tools on. */
function toldOf(model: LoadedModel, tail: Uint32Array, from: string): string {
    const text = model.model.detokenize(Array.from(tail) as never, true);
    return text.slice(text.indexOf(from));
}

/** What an answer of these tokens says. */
function streamed(model: LoadedModel, written: string, marks: ReadonlySet<number>): string {
    let text = "";
    const stream = new TextStream(model.model, [], (piece) => (text += piece), marks);
    for (const token of model.model.tokenize(written, true)) stream.push(token);
    stream.end();
    return text;
}

const described =
    '{"type": "function", "function": {"name": "get_weather", "description": "Weather of a city", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}';

describe("a template whose calls are special tokens", () => {
    it("Devstral's: told as its makers do, and read", async () => {
        const tokens = {"<file_sep>": "[TOOL_CALLS]", "<repo_name>": "[ARGS]"};
        const model = await loadSmallModel(withTemplate("devstral-2507", path.join(folder, "devstral.gguf"), tokens));
        const format = await ChatFormat.of(model.model);
        expect(format.calls).toBe(bracketed);
        expect(toldOf(model, format.render(asked, {}, [tools[0]!]).tail, "[/SYSTEM_PROMPT]")).toBe(
            [
                `[/SYSTEM_PROMPT][AVAILABLE_TOOLS][${described}][/AVAILABLE_TOOLS][INST]Weather in Oslo?[/INST]`,
                `[TOOL_CALLS]get_weather[ARGS]{"city": "Oslo"}<|im_end|>[TOOL_RESULTS]${said}[/TOOL_RESULTS]`,
            ].join(""),
        );
        const written = 'Wait.[TOOL_CALLS]get_weather[ARGS]{"city": "Ås"}';
        expect(streamed(model, written, format.callMarks)).toBe(written);
        expect(format.callMarks.size).toBe(2);
        expect(streamed(model, written, new Set())).toBe('Wait.get_weather{"city": "Ås"}');
        await model.dispose();
    });

    it("Granite 3's: told as its template does and asks for, and read", async () => {
        const tokens = {
            "<file_sep>": "<|tool_call|>",
            "<repo_name>": "<|start_of_role|>",
            "<gh_stars>": "<|end_of_role|>",
        };
        const model = await loadSmallModel(withTemplate("granite-3.3", path.join(folder, "granite.gguf"), tokens));
        const format = await ChatFormat.of(model.model);
        expect(format.calls).toBe(listed);
        const told = toldOf(model, format.render(asked, {}, [tools[0]!]).tail, "You are a helpful");
        const [instruction = "", list = "", ...rest] = told.split("<|end_of_text|>\n");
        expect(instruction).toMatch(/ respond only with <\|tool_call\|> followed by a JSON list of tools used\./);
        const role = "<|start_of_role|>available_tools<|end_of_role|>";
        expect(list.startsWith(role)).toBe(true);
        expect(JSON.parse(list.slice(role.length))).toEqual([JSON.parse(described)]);
        expect(rest).toEqual([
            "<|start_of_role|>user<|end_of_role|>Weather in Oslo?",
            '<|start_of_role|>assistant<|end_of_role|><|tool_call|>[{"name": "get_weather", "arguments": {"city": "Oslo"}}]',
            `<|start_of_role|>tool<|end_of_role|>${said}`,
            "<|start_of_role|>assistant<|end_of_role|>",
        ]);
        // Calls of an earlier question stand there when tools are offered no more.
        expect(toldOf(model, format.render(asked, {}).tail, "<|tool_call|>")).toMatch(
            /^<\|tool_call\|>\[\{"name": "get_w/,
        );
        const written = '<|tool_call|>[{"name": "get_weather", "arguments": {"city": "Oslo"}}]';
        expect(streamed(model, written, format.callMarks)).toBe(written);
        await model.dispose();
    });
});

describe("an engine with tools", () => {
    let engine: EngineApi;
    beforeAll(async () => {
        engine = await createEngine({
            ...{modelPath, gpu: "cpu", policy: "aha-file", budget: 0.25, rowType: "f16", kvMib: 256, threads: 1},
            ...{cacheDir: path.join(folder, "cache"), position: "parallel", attendedTokens: 512, waitForReadsMs: 0},
        });
    });
    afterAll(() => engine.dispose());

    it("calls a tool by itself where the model does, and tells what it said", async () => {
        const turns: ChatTurn[] = [...weatherBefore, {role: "user", text: "What is the weather in Oslo?"}];
        const request = {workspace: "/w", conversation: "by itself", temperature: 0, tools: [weatherTool]};
        const first = await engine.ask({...request, turns, maxTokens: 60}, {});
        expect(first).toMatchObject({text: "", stop: "endOfText", calls: [{name: "get_weather"}]});
        expect(JSON.parse(first.calls![0]!.arguments)).toEqual({city: "Oslo"});
        const told: ChatTurn[] = [
            ...turns,
            {role: "assistant", text: "", calls: first.calls!},
            {role: "user", text: "", results: [{id: first.calls![0]!.id, text: "3 degrees"}]},
        ];
        const second = await engine.ask({...request, turns: told, maxTokens: 8}, {});
        expect(second.text).toMatch(/^3 degrees/);
        // Everything up to the call was there, and the call but for its spelling.
        expect(second.reusedTurnTokens).toBeGreaterThan(400);
    });

    it("answers with a call when one is wanted, and goes on with its result", async () => {
        expect((await engine.load()).callsTools).toBe(true);
        const request = {workspace: "/w", conversation: "c", maxTokens: 60, temperature: 0, tools};
        const turns: ChatTurn[] = [{role: "user", text: "Weather in Oslo?"}];
        let streamed = "";
        const first = await engine.ask(
            {...request, turns, toolChoice: "required"},
            {text: (piece) => (streamed += piece)},
        );
        expect(first).toMatchObject({text: "", stop: "endOfText"});
        expect(first.calls?.map(({name}) => name).join()).toMatch(/^(?:get_weather|list)$/);
        expect(streamed).toBe("");
        expect(typeof JSON.parse(first.calls![0]!.arguments)).toBe("object");
        const second = await engine.ask(
            {
                ...request,
                maxTokens: 8,
                turns: [
                    ...turns,
                    {role: "assistant", text: "", calls: first.calls!},
                    {role: "user", text: "", results: [{id: first.calls![0]!.id, text: "3 degrees"}]},
                ],
            },
            {},
        );
        expect(second.tokens).toBeGreaterThan(0);
    });
});
