/** The chat with a tool of another extension: a server's model wants it, the person is asked, it runs, the model goes on. */
import assert from "node:assert/strict";
import {once} from "node:events";
import {type Server, createServer} from "node:http";
import type {AddressInfo} from "node:net";
import * as vscode from "vscode";
import {startChat, type Chat} from "../../extension/host/chat/chat-feature.js";
import type {Ctx} from "../../extension/host/ctx.js";
import type {AnswerView} from "../../extension/protocol/webview/chat.js";
import {activated, eventually} from "./extension-under-test.js";

interface Asked {
    tools?: {function: {name: string; description: string; parameters: unknown}}[];
    messages: {role: string; content: string; tool_call_id?: string}[];
}

/** A model that calls what it is offered, and tells what it was told. */
function scriptedServer(asked: Asked[]): Server {
    return createServer((request, response) => {
        void (async () => {
            let text = "";
            for await (const chunk of request) text += String(chunk);
            if (request.url === "/v1/models") {
                response.setHeader("content-type", "application/json");
                response.end(JSON.stringify({object: "list", data: [{id: "scripted", max_model_len: 8192}]}));
                return;
            }
            const body = JSON.parse(text) as Asked;
            asked.push(body);
            const result = body.messages.findLast(({role}) => role === "tool")?.content;
            const call = {
                index: 0,
                id: "call-7",
                type: "function",
                function: {name: "test_weather", arguments: '{"city":"Oslo"}'},
            };
            const deltas =
                result === undefined
                    ? [{content: "Let me look."}, {tool_calls: [call]}]
                    : [{content: `It says: ${result}.`}];
            response.setHeader("content-type", "text/event-stream");
            for (const delta of deltas)
                response.write(`data: ${JSON.stringify({choices: [{index: 0, delta, finish_reason: null}]})}\n\n`);
            const finish_reason = result === undefined ? "tool_calls" : "stop";
            response.write(`data: ${JSON.stringify({choices: [{index: 0, delta: {}, finish_reason}]})}\n\n`);
            response.end("data: [DONE]\n\n");
        })();
    });
}

describe("the chat with a tool", () => {
    const asked: Asked[] = [];
    const server = scriptedServer(asked);
    let ctx: Ctx;
    let chat: Chat;
    before(async () => {
        ({ctx} = await activated());
        await once(server.listen(0, "127.0.0.1"), "listening");
        const {port} = server.address() as AddressInfo;
        await ctx.settings.set("server.url", `http://127.0.0.1:${port}/v1`);
        await ctx.settings.set("server.kind", "generic");
        await ctx.settings.set("engine.location", "server");
        await eventually("the server's model", () => ctx.engine.status().server !== undefined);
        chat = startChat(ctx, {last: () => undefined, dispose: () => undefined});
    });
    after(async () => {
        chat.dispose();
        await ctx.workspaceState.update("kvasir.chat.tools", undefined);
        await ctx.settings.set("engine.location", "local");
        await eventually("the local engine", () => ctx.engine.status().server === undefined);
        server.closeAllConnections();
        server.close();
    });

    const last = () => chat.panel.session.view().turns.at(-1) as AnswerView | undefined;
    const use = () => last()?.steps?.[0]?.calls[0];

    it("is offered only what was chosen; each call is asked about, run and told", async () => {
        await eventually("the other extension's tool", () => vscode.lm.tools.some(({name}) => name === "test_weather"));
        const {session} = chat.panel;
        await ctx.workspaceState.update("kvasir.chat.tools", ["test_weather", "a tool that is gone"]);
        const sent = session.send(session.shown.id, "Weather in Oslo?");
        await eventually("the question about the call", () => use()?.state === "asked");
        const other = vscode.extensions.getExtension<{asked: unknown[]}>("kvasir-test.kvasir-test-tools");
        const seen = (await other?.activate())?.asked;
        assert.deepEqual(seen, []);
        session.decideTool(session.shown.id, last()!.id, use()!.id, true);
        await sent;
        assert.deepEqual(seen, [{city: "Oslo"}]);
        assert.equal(asked.length, 2);
        assert.deepEqual(
            asked[0]?.tools?.map((tool) => tool.function),
            [
                {
                    name: "test_weather",
                    description: "Weather of a city",
                    parameters: {type: "object", properties: {city: {type: "string"}}, required: ["city"]},
                },
            ],
        );
        const told = asked[1]?.messages.at(-1);
        assert.deepEqual(told, {role: "tool", tool_call_id: "call-7", content: "3 degrees in Oslo"});
        assert.equal(last()?.text, "It says: 3 degrees in Oslo.");
        assert.equal(use()?.state, "done");
        assert.equal(last()?.steps[0]?.text, "Let me look.");
    });

    it("runs nothing that is refused", async () => {
        const {session} = chat.panel;
        session.startNew();
        const sent = session.send(session.shown.id, "Weather in Rome?");
        await eventually("the question about the call", () => use()?.state === "asked");
        session.decideTool(session.shown.id, last()!.id, use()!.id, false);
        await sent;
        assert.equal(use()?.state, "refused");
        assert.match(asked.at(-1)?.messages.at(-1)?.content ?? "", /did not allow/);
    });
});
