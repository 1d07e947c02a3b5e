import {describe, expect, it} from "vitest";
import {
    addTurn,
    branchPlaces,
    conversationSchema,
    cutBefore,
    matches,
    mergeConversations,
    newConversation,
    rename,
    switchBranch,
    turnsForEngine,
    type AnswerTurn,
    type Conversation,
    type UserTurn,
} from "../../../extension/core/chat/conversation.js";
import {exportMarkdown} from "../../../extension/core/chat/export-markdown.js";

const user = (id: string, text: string, more: Partial<UserTurn> = {}): UserTurn => ({
    id,
    role: "user",
    text,
    prompt: text,
    attached: [],
    named: [],
    excluded: [],
    createdAtMs: 5,
    ...more,
});
const answer = (id: string, text: string, more: Partial<AnswerTurn> = {}): AnswerTurn => ({
    id,
    role: "assistant",
    text,
    createdAtMs: 6,
    ...more,
});
const build = (...turns: (UserTurn | AnswerTurn)[]): Conversation =>
    turns.reduce(addTurn, newConversation("conversation-1", 1));
const texts = ({turns}: Conversation) => turns.map(({text}) => text);

describe("a conversation", () => {
    it("is named after its first question until somebody names it", () => {
        const long = `How does\n\n the   cart add up prices ${"very ".repeat(20)}well?`;
        const conversation = build(user("q1", long), answer("a1", "So."));
        expect(conversation.name).toMatch(/^How does the cart add up prices( very)+…$/);
        expect(conversation.name.length).toBeLessThanOrEqual(61);
        expect(build(user("q1", "/explain", {named: ["src/a.ts"]})).name).toBe("/explain src/a.ts");
        expect(rename(conversation, "  Carts \n").name).toBe("Carts");
        expect(addTurn(rename(build(), "Carts"), user("q", "x")).name).toBe("Carts");
        expect(rename(conversation, " ").name).toBe(conversation.name);
        expect(conversationSchema.safeParse(conversation).success).toBe(true);
    });

    it("goes to the engine without reasoning and without empty answers, in turn", () => {
        const conversation = build(
            user("q1", "/explain", {prompt: "Explain.\n"}),
            answer("a1", "", {error: {code: "internal", message: "died"}}),
            user("q2", "again"),
            answer("a2", "So.", {thought: "secret"}),
        );
        expect(turnsForEngine(conversation.turns)).toEqual([
            {role: "user", text: "Explain.\n\n\nagain"},
            {role: "assistant", text: "So."},
        ]);
    });

    it("keeps every ending that was replaced, and shows any of them again", () => {
        let now = build(user("q1", "one"), answer("a1", "first"), user("q2", "two"), answer("a2", "second"));
        now = addTurn(cutBefore(now, "a1")!, answer("b1", "other"));
        expect(texts(now)).toEqual(["one", "other"]);
        expect(branchPlaces(now).get("b1")).toEqual({current: 1, count: 2});
        now = addTurn(cutBefore(now, "b1")!, answer("c1", "third"));
        expect(branchPlaces(now).get("c1")).toEqual({current: 2, count: 3});
        now = switchBranch(now, "c1", 0)!;
        expect(texts(now)).toEqual(["one", "first", "two", "second"]);
        expect(branchPlaces(now).get("a1")).toEqual({current: 0, count: 3});
        now = switchBranch(now, "a1", 2)!;
        expect(texts(now)).toEqual(["one", "third"]);
        now = switchBranch(now, "c1", 1)!;
        expect(texts(now)).toEqual(["one", "other"]);
        expect(switchBranch(now, "b1", 7)).toBeUndefined();
        expect(cutBefore(now, "nowhere")).toBeUndefined();
    });

    it("an edited first question is a branch from the beginning", () => {
        const now = addTurn(cutBefore(build(user("q1", "one"), answer("a1", "x")), "q1")!, user("q2", "uno"));
        expect(branchPlaces(now).get("q2")).toEqual({current: 1, count: 2});
        expect(texts(switchBranch(now, "q2", 0)!)).toEqual(["one", "x"]);
    });

    it("changed in two windows loses nothing", () => {
        const base = build(user("q1", "one"), answer("a1", "first"));
        const ours = addTurn(addTurn(base, user("q2", "ours")), answer("a2", "x"));
        const theirs = addTurn(rename(base, "Theirs"), user("q3", "theirs"));
        expect(texts(mergeConversations(base, theirs))).toEqual(["one", "first", "theirs"]);
        expect(mergeConversations(ours, base)).toEqual(ours);
        const both = mergeConversations(ours, theirs);
        expect(both.name).toBe("Theirs");
        expect(texts(both)).toEqual(["one", "first", "ours", "x"]);
        expect(branchPlaces(both).get("q2")).toEqual({current: 0, count: 2});
        expect(texts(switchBranch(both, "q2", 1)!)).toEqual(["one", "first", "theirs"]);
        const begun = build(user("q1", "one"), answer("a1", "fi", {isPartial: true}));
        expect(mergeConversations(begun, base).turns).toEqual(base.turns);
        expect(mergeConversations(base, begun).turns).toEqual(base.turns);
        // Merging again changes nothing.
        expect(mergeConversations(both, theirs)).toEqual(both);
        const three = mergeConversations(both, addTurn(base, user("q4", "third")));
        expect(branchPlaces(three).get("q2")).toEqual({current: 0, count: 3});
        expect(texts(switchBranch(three, "q2", 2)!)).toEqual(["one", "first", "third"]);
    });

    it("is found by all words of a search", () => {
        const conversation = build(user("q1", "How are prices added?"), answer("a1", "By reduce."));
        expect(matches(conversation, "REDUCE price")).toBe(true);
        expect(matches(conversation, "reduce tax")).toBe(false);
    });
});

describe("an export", () => {
    it("has questions, folded reasoning, answers and their figures", () => {
        const text = exportMarkdown(
            build(
                user("q1", "Why?", {attached: [{label: "src/a.ts:3-5", path: "src/a.ts", line: 3}]}),
                answer("a1", "Because:\n```ts\nx", {
                    thought: "hm\nso",
                    report: {
                        tokens: 7,
                        ttftMs: 250,
                        tokensPerSecond: 41.25,
                        attended: [{path: "src/a.ts", tokens: 100, keptRows: 25, why: "named"}],
                        leftOut: [],
                        reusedTokens: 100,
                        readTokens: 0,
                        stop: "maxTokens",
                        notes: [],
                        conversationTokens: 20,
                        conversationKeptRows: 20,
                    },
                }),
                answer("a2", "", {error: {code: "internal", message: "The engine died."}}),
            ),
        );
        expect(text).toBe(`# Why?

*1970-01-01*

## Question

Why?

*With \`src/a.ts:3-5\`*

## Answer

<details>
<summary>Reasoning</summary>

> hm
> so

</details>

Because:
\`\`\`ts
x
\`\`\`

*7 tokens, 41.3 per second, first after 0.25 s; file tokens reused 100, read 0*

*Saw: \`src/a.ts\` (named)*

## Answer

> **Stopped:** The engine died.
`);
    });
});
