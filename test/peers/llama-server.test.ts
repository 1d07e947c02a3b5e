/** A real llama-server with the small model as a remote engine. With KVASIR_RECORD=1 what was said is kept for `npm test`. */
import {mkdtempSync, rmSync} from "node:fs";
import os from "node:os";
import path from "node:path";
import {afterAll, describe, it} from "vitest";
import {patchGguf} from "../native/patched-gguf.js";
import {root, smallModelPath} from "../native/small-model.js";
import {recorder, writeExchanges} from "./exchanges.js";
import {LlamaServerProcess} from "./llama-server-process.js";
import {type Scenario, scenarios} from "./scenarios.js";

const folder = mkdtempSync(path.join(os.tmpdir(), "kvasir-peers-"));
const running = new Map<Scenario["model"], Promise<LlamaServerProcess>>();
const template = path.join(root, "test/fixtures/qwen2.5-template.jinja");
const starts: Record<Scenario["model"], () => Promise<LlamaServerProcess>> = {
    chat: () => LlamaServerProcess.start(smallModelPath, "smollm2"),
    tools: () => LlamaServerProcess.start(smallModelPath, "smollm2", ["--chat-template-file", template]),
    fim: () => LlamaServerProcess.start(fillInModel(), "smollm2"),
};

/** Special tokens that the small model has no use for play the roles. */
function fillInModel(): string {
    const modelPath = path.join(folder, "fim.gguf");
    const role = (value: number) => ({type: "u32", value}) as const;
    patchGguf(smallModelPath, modelPath, {
        set: {
            "tokenizer.ggml.fim_pre_token_id": role(6),
            "tokenizer.ggml.fim_suf_token_id": role(7),
            "tokenizer.ggml.fim_mid_token_id": role(8),
            "tokenizer.ggml.fim_rep_token_id": role(3),
            "tokenizer.ggml.fim_sep_token_id": role(5),
        },
    });
    return modelPath;
}

function serverOf(model: Scenario["model"]): Promise<LlamaServerProcess> {
    let server = running.get(model);
    if (server === undefined) running.set(model, (server = starts[model]()));
    return server;
}

afterAll(async () => {
    for (const server of running.values()) await (await server).stop();
    rmSync(folder, {recursive: true, force: true});
});

describe("llama-server", () => {
    it.each(scenarios)("$title", async ({name, model, run}) => {
        const server = await serverOf(model);
        const between = await recorder(server.port);
        try {
            await run({url: between.url, isIdle: () => server.isIdle(), kill: () => server.stop()});
            if (process.env.KVASIR_RECORD === "1") writeExchanges(name, between.exchanges);
        } finally {
            await between.close();
        }
    });
});
