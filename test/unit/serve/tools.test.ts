/** Tools over the OpenAI API: the official client, whose own runner calls them, against the routes with an engine that follows a script. */
import {once} from "node:events";
import type {AddressInfo} from "node:net";
import OpenAI from "openai";
import {describe, expect, it, onTestFinished} from "vitest";
import {chatCompletions} from "../../../extension/cli/serve/chat-completions.js";
import {createApiServer} from "../../../extension/cli/serve/http-server.js";
import type {LiveWorkspace} from "../../../extension/cli/live-workspace.js";
import {ConversationPool} from "../../../extension/core/chat/conversation-pool.js";
import type {AnswerReport, AskRequest, EngineApi} from "../../../extension/protocol/engine.js";
import {answer} from "../cli/recording-engine.js";

const token = "a-token-of-enough-characters";

async function serving(script: Partial<AnswerReport>[], callsTools = true) {
    const asked: AskRequest[] = [];
    const engine: Pick<EngineApi, "ask" | "forget"> = {
        ask: async (request, on) => {
            const report = {...answer, thought: undefined, ...script[asked.push(request) - 1]};
            on.attended?.([], []);
            if (report.text !== "") on.text?.(report.text);
            return report;
        },
        forget: async () => {},
    };
    const server = createApiServer({
        token,
        limits: {maxBodyBytes: 100_000, maxPending: 2, requestMs: 60_000},
        signal: new AbortController().signal,
        onDone: () => {},
        routes: {
            "POST /v1/chat/completions": (exchange) =>
                chatCompletions(
                    {
                        engine: engine as EngineApi,
                        workspace: {root: "/w", refresh: async () => {}} as unknown as LiveWorkspace,
                        conversations: new ConversationPool(2, () => {}),
                        modelName: async () => "small",
                        callsTools: async () => callsTools,
                    },
                    exchange,
                ),
        },
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    onTestFinished(() => {
        server.closeAllConnections();
        server.close();
    });
    const {port} = server.address() as AddressInfo;
    return {asked, client: new OpenAI({baseURL: `http://127.0.0.1:${port}/v1`, apiKey: token, maxRetries: 0})};
}

const parameters = {type: "object", properties: {city: {type: "string"}}, required: ["city"]};
const tool = {type: "function" as const, function: {name: "get_weather", description: "Weather of a city", parameters}};
const calls = [{id: "call-1", name: "get_weather", arguments: '{"city":"Oslo"}'}];
const messages = [{role: "user" as const, content: "Weather in Oslo?"}];

describe("tools of a client", () => {
    it("are run by the client's own runner, and the answer goes on with what they said", async () => {
        const {client, asked} = await serving([{text: "Let me look.", calls}, {text: "3 degrees."}]);
        const given: unknown[] = [];
        const runner = client.chat.completions.runTools({
            model: "kvasir",
            messages,
            tools: [
                {
                    type: "function",
                    function: {
                        name: "get_weather",
                        description: "Weather of a city",
                        parameters,
                        parse: JSON.parse,
                        function: (values: object) => {
                            given.push(values);
                            return "3 °C";
                        },
                    },
                },
            ],
        });
        expect(await runner.finalContent()).toBe("3 degrees.");
        expect(given).toEqual([{city: "Oslo"}]);
        expect(asked[0]).toMatchObject({
            tools: [{name: "get_weather", description: "Weather of a city", parameters}],
            toolChoice: "auto",
        });
        expect(asked[1]?.turns).toEqual([
            {role: "user", text: "Weather in Oslo?"},
            {role: "assistant", text: "Let me look.", calls},
            {role: "user", text: "", results: [{id: "call-1", text: "3 °C"}]},
        ]);
    });

    it("are called in a stream, too", async () => {
        const {client} = await serving([{text: "Hm.", calls}]);
        const stream = client.chat.completions.stream({model: "kvasir", messages, tools: [tool]});
        const whole = await stream.finalChatCompletion();
        expect(whole.choices[0]?.finish_reason).toBe("tool_calls");
        expect(whole.choices[0]?.message.content).toBe("Hm.");
        expect(whole.choices[0]?.message.tool_calls).toMatchObject([
            {id: "call-1", type: "function", function: {name: "get_weather", arguments: '{"city":"Oslo"}'}},
        ]);
    });

    it("may be wanted, one of them, or none", async () => {
        const {client, asked} = await serving([{calls}, {calls}, {}]);
        const other = {...tool, function: {...tool.function, name: "other"}};
        const ask = {model: "kvasir", messages, tools: [tool, other]};
        await client.chat.completions.create({...ask, tool_choice: "required"});
        await client.chat.completions.create({...ask, tool_choice: {type: "function", function: {name: "other"}}});
        await client.chat.completions.create({...ask, tool_choice: "none"});
        const seen = asked.map(({tools, toolChoice}) => [tools?.map(({name}) => name), toolChoice]);
        expect(seen).toEqual([
            [["get_weather", "other"], "required"],
            [["other"], "required"],
            [undefined, undefined],
        ]);
    });

    it("are named as ignored by a model that calls none, and refused when they are wanted", async () => {
        const {client, asked} = await serving([], false);
        const done = await client.chat.completions.create({model: "kvasir", messages, tools: [tool]});
        expect((done as unknown as {kvasir: {ignored: string[]}}).kvasir.ignored).toEqual(["tools"]);
        expect(asked[0]?.tools).toBeUndefined();
        await expect(
            client.chat.completions.create({model: "kvasir", messages, tools: [tool], tool_choice: "required"}),
        ).rejects.toMatchObject({status: 400, code: "request-invalid", param: "tool_choice"});
    });

    it.each<[string, object]>([
        ["a result that nobody asked for", {messages: [...messages, {role: "tool", tool_call_id: "x", content: "3"}]}],
        [
            "a call whose arguments are no JSON",
            {
                messages: [
                    ...messages,
                    {
                        role: "assistant",
                        tool_calls: [{id: "1", type: "function", function: {name: "a", arguments: "{"}}],
                    },
                    {role: "tool", tool_call_id: "1", content: "3"},
                ],
            },
        ],
        ["a tool with a name that is none", {tools: [{type: "function", function: {name: "a b"}}]}],
        [
            "a wish for a tool that is not there",
            {tool_choice: {type: "function", function: {name: "b"}}, tools: [tool]},
        ],
    ])("are refused as %s", async (_, body) => {
        const {client, asked} = await serving([]);
        const asking = client.chat.completions.create({model: "kvasir", messages, ...body} as never);
        await expect(asking).rejects.toMatchObject({status: 400, code: "request-invalid"});
        expect(asked).toEqual([]);
    });
});
