import {describe, expect, it} from "vitest";
import {ConversationPool} from "../../../extension/core/chat/conversation-pool.js";
import type {ChatTurn} from "../../../extension/protocol/engine.js";

const turns = (...texts: string[]): ChatTurn[] =>
    texts.map((text, i) => ({role: i % 2 === 0 ? "user" : "assistant", text}));

describe("conversations of a stateless API", () => {
    it("go on with the one that said the same so far", () => {
        const pool = new ConversationPool(4, () => {});
        const first = pool.take(turns("a"));
        first.release("A");
        const other = pool.take(turns("b"));
        other.release("B");
        expect(other.id).not.toBe(first.id);
        expect(pool.take(turns("a", "A", "next")).id).toBe(first.id);
        expect(pool.take(turns("b", "B", "next")).id).toBe(other.id);
    });

    it("are not shared by requests that run at the same time", () => {
        const pool = new ConversationPool(4, () => {});
        const first = pool.take(turns("a"));
        expect(pool.take(turns("a")).id).not.toBe(first.id);
    });

    it("are forgotten, the oldest idle one first", () => {
        const forgotten: string[] = [];
        const pool = new ConversationPool(2, (id) => forgotten.push(id));
        const [a, b, c] = ["a", "b", "c"].map((text) => pool.take(turns(text)));
        c!.release();
        a!.release();
        expect(forgotten).toEqual([c!.id]);
        b!.release();
        expect(forgotten).toEqual([c!.id]);
    });
});
