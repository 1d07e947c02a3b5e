/**
 * Milliseconds per token of an answer with drafts by prompt lookup, against one token at a time: code that is written
 * again with a change, as an edit does, and code that is gone on with while the file it comes from is attended.
 */
import {ChatFormat} from "../../../engine/model/chat-format.js";
import {joinTokens} from "../bench-files.js";
import type {RowGroup} from "../row-group.js";

/** Tokens of code in the prompt, and of the answer. */
const codeTokens = 300;
const answerTokens = 64;
const peerName = "one token at a time";

export const draftRows: RowGroup = {
    rows: [
        {name: "edit-drafts", unit: "ms/token", kvasir: "edit", peer: "editPlain", peerName},
        {name: "completion-drafts", unit: "ms/token", kvasir: "complete", peer: "completePlain", peerName},
    ],
    async prepare(lab) {
        const {model} = await lab.model();
        const file = (await lab.files()).find(({tokens}) => tokens.length > 2 * codeTokens);
        if (file === undefined) throw new Error("no file is long enough");
        const code = file.tokens.subarray(0, codeTokens);
        const text = model.detokenize(Array.from(code) as never);
        const request = `Write this code again, with every comment in capitals:\n\`\`\`\n${text}\n\`\`\``;
        const {tail} = (await ChatFormat.of(model)).render([{role: "user", text: request}], {});
        const edit = joinTokens([tail, Uint32Array.from(model.tokenize("```\n")), code.subarray(0, 16)]);
        const {context} = await lab.reader();
        const session = await context.newSession();
        const side = (prompt: Uint32Array, draftFrom?: Uint32Array) => async () => {
            await session.truncate(0);
            const options = {
                maxTokens: answerTokens,
                maxPosition: prompt.length + answerTokens,
                temperature: 0,
                ...(draftFrom === undefined ? {} : {draftFrom}),
            };
            const {tokens, totalMs, firstTokenMs} = await session.generate(prompt, 0, options, () => true);
            return (totalMs - firstTokenMs) / Math.max(1, tokens.length - 1);
        };
        return {
            sides: {
                edit: side(edit, edit),
                editPlain: side(edit),
                complete: side(code, joinTokens([file.tokens, code])),
                completePlain: side(code),
            },
            dispose: () => session.dispose(),
        };
    },
};
