/** Kvasir's model as another extension sees it: through VS Code's own API. */
import assert from "node:assert/strict";
import * as vscode from "vscode";
import {activated, eventually} from "./extension-under-test.js";

describe("Kvasir's model among VS Code's language models", () => {
    let model: vscode.LanguageModelChat;
    const user = (text: string) => vscode.LanguageModelChatMessage.User(text);
    before(async () => {
        const {ctx} = await activated();
        // Looking at the list loads no model; one that has been loaded is in it.
        await ctx.engine.load();
        await eventually("the model in the list", async () => {
            const [found] = await vscode.lm.selectChatModels({vendor: "kvasir"});
            if (found !== undefined) model = found;
            return found !== undefined;
        });
    });

    it("is told with its name and limits", async () => {
        const {ctx} = await activated();
        const info = ctx.engine.status().model;
        assert.equal(model.id, info?.name);
        assert.equal(model.family, "llama");
        assert.ok(model.maxInputTokens > 0 && model.maxInputTokens < (info?.window ?? 0), `${model.maxInputTokens}`);
    });

    it("streams an answer", async () => {
        const {text} = await model.sendRequest([user("Say hello.")], {modelOptions: {max_tokens: 12, temperature: 0}});
        const pieces: string[] = [];
        for await (const piece of text) pieces.push(piece);
        assert.ok(pieces.length > 1, JSON.stringify(pieces));
        assert.notEqual(pieces.join("").trim(), "");
    });

    it("counts as its tokenizer does", async () => {
        // As SmolLM2's tokenizer splits them: "return", " width", " *", " height", ";".
        assert.equal(await model.countTokens("return width * height;"), 5);
        assert.equal(await model.countTokens(user("return width * height;")), 5);
    });

    it("ends its work when the request is cancelled", async () => {
        const {ctx} = await activated();
        const cancelling = new vscode.CancellationTokenSource();
        const {text} = await model.sendRequest(
            [user("Count from one to one thousand in words.")],
            {modelOptions: {max_tokens: 2000, temperature: 0}},
            cancelling.token,
        );
        let nPieces = 0;
        const read = async () => {
            for await (const _ of text) if (++nPieces === 3) cancelling.cancel();
        };
        await read().catch(() => undefined);
        await eventually("an idle engine", () => ctx.engine.status().activity !== "ask");
        assert.ok(nPieces < 200, `${nPieces} pieces`);
    });
});
