/**
 * The chat with tools of another extension and of a real MCP server that VS Code starts for the workspace: a server's model
 * wants one, the person is asked, it runs, the model goes on.
 */
import assert from "node:assert/strict";
import {once} from "node:events";
import {type Server, createServer} from "node:http";
import type {AddressInfo} from "node:net";
import path from "node:path";
import * as vscode from "vscode";
import {startChat, type Chat} from "../../extension/host/chat/chat-feature.js";
import type {Ctx} from "../../extension/host/ctx.js";
import type {AnswerView} from "../../extension/protocol/webview/chat.js";
import {activated, eventually, workspaceUri} from "./extension-under-test.js";

/** The built command line, whose `mcp` is the server. */
const cli = path.resolve(__dirname, "../../dist/cli.mjs");
const toolName = (ending: string) => vscode.lm.tools.find(({name}) => name.endsWith(ending))?.name;

interface Asked {
    tools?: {function: {name: string; description: string; parameters: unknown}}[];
    messages: {role: string; content: string; tool_call_id?: string}[];
}

/** A model that calls the first of what it is offered, and tells what it was told. */
function scriptedServer(asked: Asked[], given: Record<string, string>): Server {
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
                function: {name: body.tools?.[0]?.function.name, arguments: JSON.stringify(given)},
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
    const given: Record<string, string> = {city: "Oslo"};
    const server = scriptedServer(asked, given);
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

    it("is given what a server of the workspace's .vscode/mcp.json finds, which VS Code starts", async () => {
        const config = workspaceUri(".vscode", "mcp.json");
        const servers = {
            // Node by name: here the host itself is one, in a desktop VS Code it is Electron.
            kvasir: {type: "stdio", command: "node", args: [cli, "mcp"], cwd: "${workspaceFolder}"},
        };
        await vscode.workspace.fs.writeFile(config, Buffer.from(JSON.stringify({servers})));
        try {
            await eventually("the server's tools", async () => {
                // What *Start* above the server in the file does.
                await vscode.commands.executeCommand("workbench.mcp.startServer", "*", {autoTrustChanges: true});
                return toolName("_search_repo") !== undefined;
            });
            const name = toolName("_search_repo")!;
            await ctx.workspaceState.update("kvasir.chat.tools", [name]);
            given["query"] = "reaction dispose";
            delete given["city"];
            const {session} = chat.panel;
            session.startNew();
            const sent = session.send(session.shown.id, "Where are reactions disposed?");
            await eventually("the question about the call", () => use()?.state === "asked");
            assert.equal(use()?.name, name);
            session.decideTool(session.shown.id, last()!.id, use()!.id, true);
            await sent;
            assert.equal(use()?.state, "done", use()?.result);
            assert.match(asked.at(-2)?.tools?.[0]?.function.description ?? "", /^Finds files of this repository/);
            assert.match(asked.at(-1)?.messages.at(-1)?.content ?? "", /src\/core\/reaction\.ts/);
        } finally {
            await vscode.commands.executeCommand("workbench.mcp.stopServer", "*");
            await vscode.workspace.fs.delete(workspaceUri(".vscode"), {recursive: true});
        }
    });
});
