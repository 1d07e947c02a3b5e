import {chmod, mkdtemp, readdir, readFile, rm, writeFile} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {afterEach, beforeEach, describe, expect, it} from "vitest";
import {addTurn, newConversation, type Conversation} from "../../../extension/core/chat/conversation.js";
import {ConversationFiles} from "../../../extension/host/chat/conversation-files.js";

let folder: string;
const warnings: string[] = [];
const open = () => new ConversationFiles(folder, (message) => warnings.push(message));
const id = "0123456789abcdef";

beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "kvasir-chat-"));
    warnings.length = 0;
});
afterEach(async () => {
    await chmod(folder, 0o700);
    await rm(folder, {recursive: true, force: true});
});

function ask(conversation: Conversation, turnId: string, text = turnId): Conversation {
    return addTurn(conversation, {
        id: turnId,
        role: "user",
        text,
        prompt: text,
        attached: [],
        named: [],
        excluded: [],
        createdAtMs: conversation.updatedAtMs + 1,
    });
}
const begin = () => ask(newConversation(id, 1), "q1", "first question");
const texts = (conversation: Conversation | undefined) => conversation?.turns.map(({text}) => text);
const chatFiles = async () => (await readdir(folder)).filter((name) => name.endsWith(".chat")).sort();

describe("conversations on disk", () => {
    it("come back whole, and only the last two revisions stay", async () => {
        let conversation = await open().save(begin());
        const files = open();
        conversation = (await files.load(id))!;
        for (let n = 2; n < 6; n++) conversation = await files.save(ask(conversation, `q${n}`));
        expect(await open().load(id)).toEqual(conversation);
        expect(await chatFiles()).toEqual([`${id}.00000004.chat`, `${id}.00000005.chat`]);
    });

    it("a file that was cut at any place costs one revision at most", async () => {
        const files = open();
        const first = await files.save(begin());
        const second = await files.save(ask(first, "q2"));
        const newest = join(folder, `${id}.00000002.chat`);
        const whole = await readFile(newest);
        for (const length of [0, 1, 50, whole.length >> 1, whole.length - 2]) {
            await writeFile(newest, whole.subarray(0, length));
            const loaded = await open().load(id);
            expect(texts(loaded)).toEqual(["first question"]);
            expect((await open().list()).map(({name}) => name)).toEqual(["first question"]);
            await writeFile(newest, whole);
        }
        expect(texts(await open().load(id))).toEqual(texts(second));
        expect((await readdir(join(folder, "damaged"))).length).toBeGreaterThan(0);
        expect(warnings.length).toBeGreaterThan(0);
    });

    it("two windows that write at once lose nothing", async () => {
        const [one, two] = [open(), open()];
        await one.save(begin());
        const mine = (await one.load(id))!;
        const theirs = (await two.load(id))!;
        await Promise.all([one.save(ask(mine, "mine")), two.save(ask(theirs, "theirs"))]);
        const merged = (await open().load(id))!;
        const all = [...merged.turns, ...merged.branches.flatMap(({turns}) => turns)].map(({text}) => text);
        expect(new Set(all)).toEqual(new Set(["first question", "mine", "theirs"]));
    });

    it("are listed by their last change and found by their words", async () => {
        const files = open();
        await files.save({...begin(), updatedAtMs: 10});
        await files.save({...ask(newConversation("fedcba9876543210", 1), "q", "about carts"), updatedAtMs: 20});
        expect((await files.list()).map(({name}) => name)).toEqual(["about carts", "first question"]);
        expect((await files.list("FIRST quest")).map(({id: found}) => found)).toEqual([id]);
        expect(await files.list("neither")).toEqual([]);
    });

    it("a deleted one can be brought back", async () => {
        const files = open();
        const conversation = await files.save(begin());
        expect(await files.delete(id)).toBe(true);
        expect(await files.list()).toEqual([]);
        expect(await files.load(id)).toBeUndefined();
        expect(await open().restore(id)).toEqual(conversation);
        expect((await files.list()).length).toBe(1);
        expect(await files.delete("unknown-id")).toBe(false);
    });

    it("says what is wrong when the folder cannot be written, and keeps what was there", async () => {
        const files = new ConversationFiles(join(folder, "file"), () => undefined);
        await writeFile(join(folder, "file"), "not a folder");
        await expect(files.save(begin())).rejects.toThrow();
        expect(await readFile(join(folder, "file"), "utf8")).toBe("not a folder");
    });

    it("saves at once when the window goes", async () => {
        const files = open();
        const conversation = await files.save(begin());
        files.saveNow(ask(conversation, "last words"));
        expect(texts(await open().load(id))).toEqual(["first question", "last words"]);
    });
});
