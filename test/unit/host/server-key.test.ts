import {describe, expect, it} from "vitest";
import {serverKeyName, withServerKey} from "../../../extension/host/server-key.js";
import type {EngineSettings} from "../../../extension/protocol/engine.js";
import {someSettings} from "../process/scripted-engine.js";

const secrets = (kept: Record<string, string>) => ({get: async (name: string) => kept[name], store: async () => {}});
const at = (baseUrl: string): EngineSettings => ({...someSettings, remote: {baseUrl, model: "", kind: "vllm"}});

describe("the key of a server", () => {
    const kept = secrets({[serverKeyName("https://gpu.example/v1") ?? ""]: "sk-1"});

    it("goes with that server, whatever the path", async () => {
        expect((await withServerKey(at("https://gpu.example/other/v1"), kept)).remote?.apiKey).toBe("sk-1");
    });

    it("goes with no other one: host, port or scheme", async () => {
        for (const url of [
            "https://gpu.example:8443/v1",
            "http://gpu.example/v1",
            "https://gpu.example.org/v1",
            "nonsense",
            "",
        ])
            expect((await withServerKey(at(url), kept)).remote, url).not.toHaveProperty("apiKey");
    });

    it("is not looked for when the model runs here", async () => {
        expect(await withServerKey(someSettings, kept)).toBe(someSettings);
    });
});
