/** The chat page's reducer and the text around the cursor: no page is needed for them. */
import {describe, expect, it} from "vitest";
import type {AnswerView, ConversationView, MentionItem} from "../../../extension/protocol/webview/chat.js";
import {initialState, isRunning, reduce, type ChatAction, type ChatState} from "../../../webview/chat/chat-state.js";
import {isAwaited} from "../../../webview/chat/mention-list.js";
import {insertAt, replaceWord, wordAt} from "../../../webview/chat/composer-text.js";

const answer: AnswerView = {
    id: "a1",
    role: "assistant",
    text: "",
    steps: [],
    thought: "",
    isRunning: true,
    isPartial: false,
    blocks: [],
    files: {},
    instructions: [],
};
const conversation: ConversationView = {
    id: "c1",
    name: "One",
    draft: "",
    turns: [{id: "q1", role: "user", text: "Why?", mentions: [], attached: [], excluded: []}, answer],
};
const after = (...actions: ChatAction[]): ChatState => actions.reduce(reduce, initialState);
const shown: ChatAction = {type: "conversation", conversation};
const write = (text: string, cursor = text.length): ChatAction => ({type: "write", text, cursor});
const answerOf = ({conversation: now}: ChatState) => now?.turns.find(({id}) => id === "a1") as AnswerView;

describe("an answer that comes", () => {
    it("begins anew behind the tools that it wants", () => {
        const piece: ChatAction = {type: "piece", conversation: "c1", turn: "a1", text: "Let me look.", thought: ""};
        const use = {id: "1", name: "list", arguments: "{}", state: "asked"} as const;
        const steps = [{text: "Let me look.", calls: [use]}];
        const asked: ChatAction = {type: "turn", conversation: "c1", turn: {...answer, steps}};
        expect(answerOf(after(shown, piece, asked))).toMatchObject({text: "", steps});
        const said: ChatAction = {...piece, text: "Three."};
        expect(answerOf(after(shown, piece, asked, said))).toMatchObject({text: "Three.", steps});
    });

    it("grows by its pieces, of this conversation only", () => {
        const state = after(
            shown,
            {type: "piece", conversation: "c1", turn: "a1", text: "", thought: "hm"},
            {type: "piece", conversation: "c1", turn: "a1", text: "So ", thought: ""},
            {type: "piece", conversation: "other", turn: "a1", text: "no", thought: ""},
            {type: "piece", conversation: "c1", turn: "q1", text: "no", thought: ""},
            {type: "piece", conversation: "c1", turn: "a1", text: "it is.", thought: ""},
        );
        expect(answerOf(state)).toMatchObject({text: "So it is.", thought: "hm"});
        expect(isRunning(state)).toBe(true);
    });

    it("keeps what has come when its files are told late, and forgets their progress with the first piece", () => {
        const progress = {filesDone: 0, filesTotal: 2, tokensDone: 0, tokensTotal: 9};
        const state = after(
            shown,
            {type: "turn", conversation: "c1", turn: {...answer, progress}},
            {type: "piece", conversation: "c1", turn: "a1", text: "So", thought: ""},
            {type: "turn", conversation: "c1", turn: {...answer, attended: []}},
        );
        expect(answerOf(state)).toMatchObject({text: "So", attended: []});
        expect(
            answerOf(after(shown, {type: "turn", conversation: "c1", turn: {...answer, progress}})).progress,
        ).toEqual(progress);
        expect(answerOf(state).progress).toBeUndefined();
    });

    it("leaves the other turns the same objects, so that their views stay", () => {
        const before = after(shown);
        const next = reduce(before, {
            type: "conversation",
            conversation: structuredClone({...conversation, name: "Two"}),
        });
        expect(next.conversation?.turns[0]).toBe(before.conversation?.turns[0]);
        expect(next.conversation?.name).toBe("Two");
    });
});

describe("a question being written", () => {
    it("stays when the same conversation is told again, and becomes the draft of another one", () => {
        const written = after(shown, write("half a th"));
        expect(reduce(written, shown).text).toBe("half a th");
        const other = reduce(written, {type: "conversation", conversation: {...conversation, id: "c2", draft: "kept"}});
        expect([other.text, other.cursor]).toEqual(["kept", 4]);
    });

    it("opens the commands, filters them and takes one", () => {
        const commands: ChatAction = {
            type: "commands",
            commands: [
                {name: "explain", summary: "e"},
                {name: "fix", summary: "f"},
            ],
        };
        expect(after(commands, write("/")).completion?.items.map(({label}) => label)).toEqual(["/explain", "/fix"]);
        const taken = after(commands, write("/f"), {type: "take"});
        expect([taken.text, taken.completion]).toEqual(["/fix ", undefined]);
        expect(after(commands, write("/fix it")).completion).toBeUndefined();
        expect(after(commands, write("/nothing")).completion).toBeUndefined();
    });

    const item = (label: string, kind: "file" | "folder" | "symbol" = "file") => ({
        kind,
        label,
        detail: "",
        insert: `@${label}`,
    });
    const answer =
        (of: "places" | "symbols") =>
        (number: number, ...items: MentionItem[]) =>
            ({type: "mentions", number, of, items}) satisfies ChatAction;
    const [answered, withSymbols] = [answer("places"), answer("symbols")];
    const labels = ({completion}: ChatState) => completion?.items.map(({label}) => label);
    const selected = ({completion}: ChatState) => completion?.items[completion.selected]?.label;

    it("asks for mentions, takes only the answer to the last letters, moves around in a circle", () => {
        const [cart, cat] = [item("cart.ts"), item("cat.ts")];
        const asked = after(write("see @c"), write("see @ca"));
        expect(labels(reduce(asked, answered(1, cart)))).toEqual([]);
        const open = reduce(asked, answered(2, cart, cat));
        expect(selected(reduce(open, {type: "select", by: -1}))).toBe("cat.ts");
        expect(selected(after(write("@ca"), answered(1, cart, cat), {type: "select", by: 2}))).toBe("cart.ts");
        expect(reduce(open, {type: "take", item: cat})).toMatchObject({text: "see @cat.ts ", cursor: 12});
    });

    it("asks once for the same letters, and again when the list was closed in between", () => {
        const asked = after(write("@ca"), write("@ca"));
        expect([asked.nAsked, asked.completion?.asked?.number]).toEqual([1, 1]);
        expect(after(write("@ca"), {type: "closeCompletion"}, write("@ca")).completion?.asked?.number).toBe(2);
    });

    it("a key that takes waits for the items of the letters, for symbols only when nothing else fits", () => {
        const awaited = (...actions: ChatAction[]) => {
            const {completion} = after(...actions);
            return completion && isAwaited(completion);
        };
        const early = [write("@c"), answered(1, item("cart.ts")), write("@cu")];
        expect(awaited(...early)).toBe(true);
        expect(awaited(...early, answered(2, item("cup.ts")))).toBe(false);
        expect(awaited(...early, answered(2))).toBe(true);
        expect(awaited(...early, answered(2), withSymbols(2))).toBe(false);
        expect(awaited(write("/e"))).toBeUndefined();
    });

    it("symbols come behind the first places, and the selection stays with its item", () => {
        const files = Array.from({length: 10}, (_, n) => item(`cart-${n}.ts`));
        const moved = after(write("@cart"), answered(1, ...files), {type: "select", by: 9});
        const all = reduce(moved, withSymbols(1, item("Cart", "symbol")));
        expect(labels(all)?.slice(7, 10)).toEqual(["cart-7.ts", "Cart", "cart-8.ts"]);
        expect(selected(all)).toBe("cart-9.ts");
        const typed = reduce(reduce(all, write("@cartx")), answered(2, item("cartx.ts")));
        expect([labels(typed), selected(typed)]).toEqual([["cartx.ts"], "cartx.ts"]);
    });

    it("files that are found meanwhile come into the list", () => {
        const engine = (known: number): ChatAction => ({
            type: "engine",
            engine: {state: "ready", files: {known, read: 0}},
        });
        const early = after(engine(0), write("@ca"), answered(1), engine(2));
        expect(early.completion?.asked?.number).toBe(2);
        expect(labels(reduce(early, answered(2, item("cart.ts"))))).toEqual(["cart.ts"]);
        expect(reduce(early, engine(2)).completion?.asked?.number).toBe(2);
    });

    it("what is written before the first conversation is there is kept", () => {
        const early = after(write("What is @c"), answered(1, item("cart.ts")), shown);
        expect([early.text, labels(early)]).toEqual(["What is @c", ["cart.ts"]]);
        expect(after(write("and"), {...shown, conversation: {...conversation, draft: "This"}}).text).toBe("This and");
    });

    it("goes on with a folder that was taken", () => {
        const state = after(write("@s"), answered(1, item("src/", "folder")), {type: "take"});
        expect([state.text, state.completion?.word.letters]).toEqual(["@src/", "src/"]);
    });

    it("leaves files out of one question only, and only the active one", () => {
        const context = {pinned: [], open: 1, samples: [], active: {path: "a.ts"}};
        const state = after(shown, {type: "context", context}, {type: "exclude", path: "a.ts", isExcluded: true});
        expect(state.excluded).toEqual(["a.ts"]);
        expect(reduce(state, {type: "sent"}).excluded).toEqual([]);
        expect(reduce(state, {type: "context", context: {...context, active: {path: "b.ts"}}}).excluded).toEqual([]);
    });

    it("an earlier question is written anew only while it is there", () => {
        const editing = after(shown, {type: "edit", turn: "q1"});
        expect(editing.editing).toEqual({turn: "q1", text: "Why?"});
        expect(
            reduce(editing, {type: "conversation", conversation: {...conversation, turns: []}}).editing,
        ).toBeUndefined();
        expect(after(shown, {type: "edit", turn: "a1"}).editing).toBeUndefined();
    });
});

describe("the list of conversations", () => {
    it("takes no answer to an earlier search", () => {
        const state = after({type: "history", isOpen: true}, {type: "search", search: "ab"});
        const entry = {id: "c", name: "n", updatedAtMs: 0, nTurns: 1, isRunning: false};
        expect(reduce(state, {type: "entries", search: "a", entries: [entry]}).history?.entries).toBeUndefined();
        expect(reduce(state, {type: "entries", search: "ab", entries: [entry]}).history?.entries).toEqual([entry]);
    });
});

describe("the word at the cursor", () => {
    it.each([
        ["see @src/a", 10, {kind: "mention", letters: "src/a", start: 4, end: 10}],
        ["@", 1, {kind: "mention", letters: "", start: 0, end: 1}],
        ['x @"my fi', 9, {kind: "mention", letters: "my fi", start: 2, end: 9}],
        ["@symbol:Ca", 10, {kind: "mention", letters: "symbol:Ca", start: 0, end: 10}],
        ["/ex", 3, {kind: "slash", letters: "ex", start: 0, end: 3}],
        ["me@example.com", 14, undefined],
        ["@a b", 4, undefined],
        ["use /fix", 8, undefined],
    ])("of %j at %i", (text, cursor, word) => {
        expect(wordAt(text, cursor)).toEqual(word);
    });

    it("is replaced, with one space behind it", () => {
        expect(replaceWord("see @c now", {kind: "mention", letters: "c", start: 4, end: 6}, "@cart.ts")).toEqual({
            text: "see @cart.ts now",
            cursor: 13,
        });
        expect(insertAt("see", 3, "@a.ts")).toEqual({text: "see @a.ts ", cursor: 10});
        expect(insertAt("", 0, "@a.ts")).toEqual({text: "@a.ts ", cursor: 6});
    });
});
