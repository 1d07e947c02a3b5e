import {expect, test} from "vitest";
import {storeKeyOf} from "../../../extension/host/store-key.js";
import type {RemoteServer} from "../../../extension/protocol/engine.js";
import type {HelloReply} from "../../../extension/protocol/rpc-schemas.js";
import {newClient, runtimeFolder, serveEngine} from "./engine-fixtures.js";

function keychain(kept = new Map<string, string>()) {
    return {
        get: async (name: string) => kept.get(name),
        store: async (name: string, value: string) => void kept.set(name, value),
    };
}

test("windows share one key, which is made once", async () => {
    const secrets = keychain();
    const made = await storeKeyOf(secrets);
    expect(made).toMatch(/^[0-9a-f]{64}$/);
    expect(await storeKeyOf(secrets)).toBe(made);
    expect(await storeKeyOf(keychain())).not.toBe(made);
    expect(await storeKeyOf(keychain(new Map([["kvasir.storeKey", "damaged"]])))).toMatch(/^[0-9a-f]{64}$/);
});

test("an engine tells nobody the key it was given, only that another client's differs", async () => {
    const folder = await runtimeFolder();
    await serveEngine(folder);
    const replies: HelloReply[] = [];
    const onHello = (reply: HelloReply) => void replies.push(reply);
    await newClient(folder, {wants: {storeKey: "ab".repeat(32)}, onHello}).connect();
    await newClient(folder, {wants: {storeKey: "cd".repeat(32)}, onHello}).connect();
    expect(replies.map(({settings}) => settings.storeKey)).toEqual([undefined, undefined]);
    expect(replies[1]?.differing).toEqual(["storeKey"]);
    expect(JSON.stringify(replies)).not.toContain("abab");
});

test("nor the key of its server, and one server is not another", async () => {
    const folder = await runtimeFolder();
    await serveEngine(folder);
    const replies: HelloReply[] = [];
    const onHello = (reply: HelloReply) => void replies.push(reply);
    const remote: RemoteServer = {baseUrl: "https://gpu.example/v1", model: "", kind: "vllm", apiKey: "sk-1"};
    for (const one of [remote, {...remote}, {...remote, apiKey: "sk-2"}])
        await newClient(folder, {wants: {remote: one}, onHello}).connect();
    expect(replies.map(({differing}) => differing)).toEqual([[], [], ["remote"]]);
    expect(JSON.stringify(replies)).not.toMatch(/sk-[12]/);
});
