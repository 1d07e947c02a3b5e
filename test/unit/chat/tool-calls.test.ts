/** Calls of tools read from what models write, however the stream is cut into pieces. */
import fc from "fast-check";
import {describe, expect, it} from "vitest";
import {bracketed, callForms, listed, tagged, type CallForm} from "../../../extension/core/chat/call-forms.js";
import {ToolCallSplitter, withoutCalls} from "../../../extension/core/chat/tool-calls.js";
import type {ToolDescription} from "../../../extension/protocol/engine.js";

const tools: ToolDescription[] = [
    {name: "get_weather", description: "", parameters: {type: "object", properties: {city: {type: "string"}}}},
    {name: "list", description: ""},
];

function split(pieces: readonly string[], form: CallForm = tagged) {
    let text = "";
    const splitter = new ToolCallSplitter(
        form,
        tools,
        (piece) => (text += piece),
        () => "id",
    );
    for (const piece of pieces) splitter.push(piece);
    splitter.end();
    return {text, calls: splitter.calls.map(({name, arguments: given}) => `${name} ${given}`)};
}

const cuts = (text: string) =>
    fc.array(fc.nat(text.length), {maxLength: 6}).map((places) => {
        const sorted = [0, ...places.sort((a, b) => a - b), text.length];
        return sorted.slice(1).map((end, i) => text.slice(sorted[i], end));
    });

const oslo = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Oslo"}}\n</tool_call>';

describe("what a model writes", () => {
    it.each<[string, string, {text: string; calls: string[]}]>([
        ["a call of Qwen2.5", oslo, {text: "", calls: ['get_weather {"city":"Oslo"}']}],
        ["words before it", `Let me look.\n${oslo}`, {text: "Let me look.\n", calls: ['get_weather {"city":"Oslo"}']}],
        [
            "two calls",
            `${oslo}\n<tool_call>\n{"name": "list", "arguments": {}}\n</tool_call>\n`,
            {text: "", calls: ['get_weather {"city":"Oslo"}', "list {}"]},
        ],
        [
            "arguments as a text, and none at all",
            '<tool_call>{"name":"get_weather","arguments":"{\\"city\\": \\"Ås\\"}"}</tool_call><tool_call>{"name":"list"}</tool_call>',
            {text: "", calls: ['get_weather {"city":"Ås"}', "list {}"]},
        ],
        [
            "a call of Qwen3-Coder",
            "<tool_call>\n<function=get_weather>\n<parameter=city>\n42\n</parameter>\n<parameter=days>\n3\n</parameter>\n</function>\n</tool_call>",
            {text: "", calls: ['get_weather {"city":"42","days":3}']},
        ],
        [
            "a value of several lines, not closed",
            "<tool_call>\n<function=get_weather>\n<parameter=city>\na\n b\n</function>\n</tool_call>",
            {text: "", calls: ['get_weather {"city":"a\\n b"}']},
        ],
        [
            "a call of Laguna",
            "<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>a\n b</arg_value>\n<arg_key>days</arg_key>\n<arg_value>3</arg_value>\n</tool_call>",
            {text: "", calls: ['get_weather {"city":"a\\n b","days":3}']},
        ],
        ["a call of Laguna without arguments", "<tool_call>list</tool_call>", {text: "", calls: ["list {}"]}],
        [
            "words in a call's tags",
            "<tool_call>list them</tool_call>",
            {text: "<tool_call>list them</tool_call>", calls: []},
        ],
        [
            "a call that was not closed",
            oslo.replace("\n</tool_call>", ""),
            {text: "", calls: ['get_weather {"city":"Oslo"}']},
        ],
        [
            "a tool that there is not",
            oslo.replace("get_weather", "rm"),
            {text: oslo.replace("get_weather", "rm"), calls: []},
        ],
        ["JSON that was cut", oslo.replace('"}}', '"'), {text: oslo.replace('"}}', '"'), calls: []}],
        [
            "arguments that are no object",
            oslo.replace('{"city": "Oslo"}', "[1]"),
            {text: oslo.replace('{"city": "Oslo"}', "[1]"), calls: []},
        ],
        ["text with a bracket", "a < b, <tool> and <tool_", {text: "a < b, <tool> and <tool_", calls: []}],
    ])("%s", (_, written, expected) => {
        fc.assert(
            fc.property(cuts(written), (pieces) => {
                expect(split(pieces)).toEqual(expected);
            }),
        );
    });

    const args = '{"city": "Oslo"}';
    const weather = {text: "", calls: ['get_weather {"city":"Oslo"}']};
    it.each<[string, CallForm, string, {text: string; calls: string[]}]>([
        ["Devstral 2507", bracketed, `[TOOL_CALLS]get_weather[ARGS]${args}`, weather],
        ["Mistral Small 3.2", bracketed, `[TOOL_CALLS]get_weather[CALL_ID]bbc5b7ede[ARGS]${args}`, weather],
        ["Mistral without marks between", bracketed, `[TOOL_CALLS]get_weather${args}`, weather],
        [
            "Devstral 2505",
            bracketed,
            `[TOOL_CALLS][{"name": "get_weather", "arguments": ${args}, "id": "bbc5b7ede"}]`,
            weather,
        ],
        [
            "Devstral, two behind words",
            bracketed,
            `Both.[TOOL_CALLS]get_weather[ARGS]${args}[TOOL_CALLS]list[ARGS]{}`,
            {text: "Both.", calls: [...weather.calls, "list {}"]},
        ],
        [
            "Devstral, of which the second names no tool",
            bracketed,
            `[TOOL_CALLS]get_weather[ARGS]${args}[TOOL_CALLS]rm[ARGS]{}`,
            {text: "[TOOL_CALLS]rm[ARGS]{}", calls: weather.calls},
        ],
        [
            "Devstral, cut",
            bracketed,
            '[TOOL_CALLS]get_weather[ARGS]{"city',
            {text: '[TOOL_CALLS]get_weather[ARGS]{"city', calls: []},
        ],
        ["Granite 3", listed, `<|tool_call|>[{"name": "get_weather", "arguments": ${args}}]`, weather],
        [
            "Granite 3, two",
            listed,
            `<|tool_call|>[{"name": "get_weather", "arguments": ${args}}, {"name": "list", "arguments": {}}]`,
            {text: "", calls: [...weather.calls, "list {}"]},
        ],
        [
            "Granite 3, one of which names no tool",
            listed,
            '<|tool_call|>[{"name": "list"}, {"name": "rm"}]',
            {text: '<|tool_call|>[{"name": "list"}, {"name": "rm"}]', calls: []},
        ],
        ["Granite 3, an empty list", listed, "<|tool_call|>[]", {text: "<|tool_call|>[]", calls: []}],
    ])("of %s", (_, form, written, expected) => {
        fc.assert(
            fc.property(cuts(written), (pieces) => {
                expect(split(pieces, form)).toEqual(expected);
            }),
        );
    });

    it("is never lost, whatever it is", () => {
        const marks = callForms.flatMap(({open, close = open, inner = []}) => [open, close, ...inner]);
        fc.assert(
            fc.property(
                fc.constantFrom(...callForms),
                fc.array(fc.constantFrom(...marks, "{", '"name"', "a", "\n")),
                (form, pieces) => {
                    expect(split(pieces, form).text).toBe(pieces.join(""));
                },
            ),
        );
    });
});

describe("a conversation with calls, for a model that makes none", () => {
    it("tells them as text, in turns that take turns", () => {
        expect(
            withoutCalls([
                {role: "user", text: "Weather?"},
                {role: "assistant", text: "", calls: [{id: "1", name: "get_weather", arguments: '{"city":"Oslo"}'}]},
                {role: "user", text: "", results: [{id: "1", text: "3 degrees"}]},
            ]),
        ).toEqual([
            {role: "user", text: "Weather?"},
            {role: "assistant", text: '(get_weather {"city":"Oslo"})'},
            {role: "user", text: "Result of get_weather:\n3 degrees"},
        ]);
    });
});
