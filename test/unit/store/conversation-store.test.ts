import {copyFile, readdir, readFile, rm, stat, writeFile} from "node:fs/promises";
import {join} from "node:path";
import {describe, expect, test} from "vitest";
import type {Turn} from "../../../extension/engine/store/conversation-file.js";
import {type ConversationDamage, ConversationStore} from "../../../extension/engine/store/conversation-store.js";
import {loadHashes} from "../../../extension/engine/store/load-hashes.js";
import {buildChild, resultOf, runChild, startChild} from "./run-child.js";
import {seededRandom} from "./sample-segments.js";
import {temporaryFolder} from "./temporary-folder.js";

const turn = (id: string, text = `text of ${id}`, role: Turn["role"] = "user"): Turn => ({
    id,
    role,
    text,
    createdAtMs: 1,
});
const textsOf = (conversation: {turns: Turn[]} | undefined): string[] | undefined =>
    conversation?.turns.map(({text}) => text);
const filesOf = async (folder: string): Promise<string[]> =>
    (await readdir(folder)).filter((name) => name.endsWith(".json")).sort();

/** The file of the last revision. */
async function lastFile(folder: string): Promise<string> {
    return join(folder, (await filesOf(folder)).at(-1) ?? "none");
}

describe("conversations", () => {
    test("come back as they were, in another process's store too", async () => {
        const folder = join(await temporaryFolder(), "a", "b");
        const store = new ConversationStore(folder);
        expect(await store.list()).toEqual([]);
        const odd = turn("2", 'line one\n"quoted" \u2028 \ud800 tail \0 \u{1f409} ]}', "assistant");
        const details = {attended: [{path: "a.ts", why: "pinned"}], "10": 1, "9": null, __proto: [true]};
        const created = await store.create("Über ähnliche Namen / with a slash", [turn("1"), {...odd, details}]);
        const loaded = await new ConversationStore(folder).load(created.id);
        expect(loaded).toEqual(created);
        expect(loaded?.turns[1]).toEqual({...odd, details});
        expect(await store.list()).toEqual([
            {
                id: created.id,
                name: created.name,
                nTurns: 2,
                createdAtMs: created.createdAtMs,
                updatedAtMs: created.updatedAtMs,
            },
        ]);
        expect((await stat(folder)).mode & 0o777).toBe(0o700);
        expect((await stat(await lastFile(folder))).mode & 0o777).toBe(0o600);
    });

    test("are plain JSON for other programs", async () => {
        const folder = await temporaryFolder();
        await new ConversationStore(folder).create("talk", [turn("1"), turn("2")]);
        const json = JSON.parse(await readFile(await lastFile(folder), "utf8")) as {
            head: unknown;
            turns: {turn: Turn}[];
        };
        expect(json.head).toMatchObject({format: "kvasir-conversation", version: 1, name: "talk", nTurns: 2});
        expect(json.turns.map((line) => line.turn.text)).toEqual(["text of 1", "text of 2"]);
    });

    test("grow, are edited, renamed and deleted", async () => {
        const folder = await temporaryFolder();
        const store = new ConversationStore(folder);
        const {id} = await store.create("talk");
        await store.append(id, [turn("1"), turn("2")]);
        const three = await store.append(id, [turn("3"), turn("2", "again")]);
        expect(textsOf(three)).toEqual(["text of 1", "text of 2", "text of 3"]);
        const edited = await store.save({...three, turns: [turn("1"), turn("2b", "edited")]});
        expect((await store.rename(id, "walk")).turns).toEqual(edited.turns);
        expect(await store.load(id)).toMatchObject({name: "walk", turns: [{text: "text of 1"}, {text: "edited"}]});
        // The last revision and the one before, no more.
        expect(await filesOf(folder)).toHaveLength(2);
        expect(await store.delete(id)).toBe(true);
        expect(await store.delete(id)).toBe(false);
        expect(await readdir(folder)).toEqual([]);
        expect(await store.load(id)).toBeUndefined();
        await expect(store.append(id, [turn("1")])).rejects.toMatchObject({code: "file-missing"});
        await expect(store.rename(id, "x")).rejects.toMatchObject({code: "file-missing"});
        expect(await readdir(folder)).toEqual([]);
    });

    test("are listed by their last change, and found by name", async () => {
        const store = new ConversationStore(await temporaryFolder());
        const first = await store.openNamed("one");
        expect(first.turns).toEqual([]);
        const second = await store.openNamed("two");
        await store.append(first.id, [turn("1")]);
        await new Promise((resolve) => setTimeout(resolve, 5));
        await store.append(second.id, [turn("2")]);
        expect((await store.list()).map(({name}) => name)).toEqual(["two", "one"]);
        expect(textsOf(await store.openNamed("one"))).toEqual(["text of 1"]);
        // A name that is free again begins anew, and its old bearer is left alone.
        await store.rename(first.id, "three");
        expect(textsOf(await store.openNamed("one"))).toEqual([]);
        expect(textsOf(await store.openNamed("three"))).toEqual(["text of 1"]);
        expect(await store.list()).toHaveLength(3);
    });

    test("what does not fit is refused and changes nothing", async () => {
        const folder = await temporaryFolder();
        const store = new ConversationStore(folder);
        for (const name of ["", "x".repeat(201)]) {
            await expect(store.create(name)).rejects.toMatchObject({code: "usage"});
            await expect(store.openNamed(name)).rejects.toMatchObject({code: "usage"});
        }
        const talk = await store.create("talk", [turn("1")]);
        const wrong = [
            {...turn("2"), role: "robot"},
            {...turn("2"), id: ""},
            {...turn("2"), extra: 1},
            {...turn("2"), createdAtMs: NaN},
        ];
        for (const bad of wrong)
            await expect(store.append(talk.id, [bad as Turn])).rejects.toMatchObject({code: "usage"});
        expect(await store.load(talk.id)).toEqual(talk);
        for (const id of ["", "..", "../../etc/passwd", "x".repeat(32)]) expect(await store.load(id)).toBeUndefined();
    });
});

describe("two at one conversation", () => {
    test("the second save of the same revision is refused, however old it is", async () => {
        const store = new ConversationStore(await temporaryFolder());
        const loaded = await store.create("talk", [turn("1")]);
        await store.append(loaded.id, [turn("2")]);
        const stale = {...loaded, turns: [...loaded.turns, turn("other")]};
        await expect(store.save(stale)).rejects.toMatchObject({code: "busy"});
        for (let n = 3; n < 9; n++) {
            await store.append(loaded.id, [turn(`${n}`)]);
            // From the fourth revision on, the number that follows the stale one is free again.
            await expect(store.save(stale)).rejects.toMatchObject({code: "busy"});
        }
        expect((await store.load(loaded.id))?.turns.map(({id}) => id)).toEqual([
            "1",
            "2",
            "3",
            "4",
            "5",
            "6",
            "7",
            "8",
        ]);
    });

    test("saving what was deleted meanwhile does not bring it back", async () => {
        const folder = await temporaryFolder();
        const store = new ConversationStore(folder);
        const loaded = await store.create("talk", [turn("1")]);
        await store.delete(loaded.id);
        await expect(store.save(loaded)).rejects.toMatchObject({code: "file-missing"});
        expect(await readdir(folder)).toEqual([]);
    });

    test("of many saves at once exactly those that were acknowledged are there", async () => {
        const folder = await temporaryFolder();
        const {id} = await new ConversationStore(folder).create("talk");
        const acknowledged: string[] = [];
        const refused: string[] = [];
        const work = async (name: string): Promise<void> => {
            const store = new ConversationStore(folder);
            for (let n = 0; n < 40; n++) {
                const loaded = await store.load(id);
                if (loaded === undefined) throw new Error("not found");
                const saved = store.save({...loaded, turns: [...loaded.turns, turn(`${name}${n}`)]});
                await saved.then(
                    () => acknowledged.push(`${name}${n}`),
                    (error: unknown) => {
                        expect(error).toMatchObject({code: "busy"});
                        refused.push(`${name}${n}`);
                    },
                );
            }
        };
        await Promise.all(["a", "b", "c", "d", "e"].map(work));
        const turns = (await new ConversationStore(folder).load(id))?.turns.map((one) => one.id) ?? [];
        expect([...turns].sort()).toEqual([...acknowledged].sort());
        expect(refused.length).toBeGreaterThan(0);
    });

    test(
        "four processes that append at once lose no turn, double none and keep each one's order",
        {timeout: 60_000},
        async () => {
            const folder = await temporaryFolder();
            const program = await buildChild("append-turns", folder);
            const talks = join(folder, "talks");
            const ends = await Promise.all(
                ["a", "b", "c", "d"].map((name) => runChild(program, talks, "shared", name, "25")),
            );
            const ids = new Set(ends.map((end) => resultOf<{id: string}>(end).id));
            expect(ids.size).toBe(1);
            const store = new ConversationStore(talks);
            const turns = (await store.load([...ids][0] as string))?.turns.map(({id}) => id) ?? [];
            expect(turns).toHaveLength(100);
            for (const name of ["a", "b", "c", "d"]) {
                expect(turns.filter((id) => id.startsWith(name))).toEqual(
                    Array.from({length: 25}, (_, n) => `${name}${n}`),
                );
            }
            expect(await filesOf(talks)).toHaveLength(2);
        },
    );

    test("killed while appending: every acknowledged turn is there", {timeout: 60_000}, async () => {
        const folder = await temporaryFolder();
        const program = await buildChild("append-turns", folder);
        const talks = join(folder, "talks");
        const random = seededRandom(3);
        const acknowledged: string[] = [];
        for (let round = 0; round < 10; round++) {
            const child = startChild(process.execPath, [program, talks, "shared", `r${round}-`, "1000000"]);
            await new Promise<void>((resolve) => child.process.stdout?.once("data", () => resolve()));
            await new Promise((resolve) => setTimeout(resolve, random() * 100));
            child.process.kill("SIGKILL");
            acknowledged.push(...(await child.ended).lines.filter((line) => /^r\d+-\d+$/.test(line)));
        }
        const damage: ConversationDamage[] = [];
        const store = new ConversationStore(talks, {onDamage: (found) => damage.push(found)});
        const turns = new Set((await store.openNamed("shared")).turns.map(({id}) => id));
        expect(acknowledged.length).toBeGreaterThan(10);
        expect(acknowledged.filter((id) => !turns.has(id))).toEqual([]);
        expect(damage).toEqual([]);
        await store.list();
        expect((await readdir(talks)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
    });
});

describe("a damaged conversation", () => {
    async function damaged(change: (text: string) => string | Buffer): Promise<{
        folder: string;
        id: string;
        store: ConversationStore;
        damage: ConversationDamage[];
    }> {
        const folder = await temporaryFolder();
        const damage: ConversationDamage[] = [];
        const store = new ConversationStore(folder, {onDamage: (found) => damage.push(found)});
        const {id} = await store.create("talk");
        await store.append(
            id,
            ["1", "2", "3"].map((name) => turn(name)),
        );
        await store.append(id, [turn("4"), turn("5")]);
        const file = await lastFile(folder);
        await writeFile(file, change(await readFile(file, "utf8")));
        return {folder, id, store, damage};
    }

    test("keeps every whole turn, and a lost one comes from the revision before", async () => {
        const {folder, id, store, damage} = await damaged((text) =>
            text.replace("text of 2", "text of X").replace("text of 5", "text of Y"),
        );
        const recovered = await store.load(id);
        expect(textsOf(recovered)).toEqual(["text of 1", "text of 2", "text of 3", "text of 4"]);
        expect(recovered).toMatchObject({name: "talk", recovered: {nLost: 1}});
        expect(damage).toMatchObject([{id, isRecovered: true}]);
        expect(await readFile(damage[0]?.path ?? "", "utf8")).toContain("text of Y");
        // Mended: the next load finds it whole, and it can be continued.
        expect(await store.load(id)).toEqual(recovered);
        expect(damage).toHaveLength(1);
        await store.append(id, [turn("6")]);
        expect(textsOf(await new ConversationStore(folder).load(id))?.at(-1)).toBe("text of 6");
    });

    test("cut short: the whole turns, the ones before from the earlier revision, and the name", async () => {
        const {id, store} = await damaged((text) => text.slice(0, text.indexOf("text of 2")));
        expect(await store.load(id)).toMatchObject({
            name: "talk",
            recovered: {nLost: 2},
            turns: [{id: "1"}, {id: "2"}, {id: "3"}],
        });
    });

    test("without its first line: all turns, and the name from the revision before", async () => {
        const {id, store} = await damaged((text) => text.slice(text.indexOf("\n") + 1));
        const recovered = await store.load(id);
        expect(recovered).toMatchObject({name: "talk", recovered: {nLost: null}});
        expect(recovered?.turns).toHaveLength(5);
    });

    test("of nothing but noise: the revision before", async () => {
        const {id, store, damage} = await damaged(() => Buffer.alloc(3000, 0xfe));
        expect(textsOf(await store.load(id))).toEqual(["text of 1", "text of 2", "text of 3"]);
        expect(damage).toHaveLength(1);
    });

    test("with nothing left anywhere is set aside, not deleted, and is no longer listed", async () => {
        const folder = await temporaryFolder();
        const damage: ConversationDamage[] = [];
        const store = new ConversationStore(folder, {onDamage: (found) => damage.push(found)});
        const {id} = await store.create("talk", [turn("1")]);
        await writeFile(await lastFile(folder), "noise");
        expect(await store.load(id)).toBeUndefined();
        expect(damage).toMatchObject([{id, isRecovered: false}]);
        expect(await readFile(damage[0]?.path ?? "", "utf8")).toBe("noise");
        expect(await store.list()).toEqual([]);
        await store.delete(id);
        expect(await readdir(join(folder, "damaged"))).toEqual([]);
    });

    test("that a newer version wrote is no damage: it is left alone, and the others are listed", async () => {
        const folder = await temporaryFolder();
        const store = new ConversationStore(folder);
        const newer = await store.create("newer", [turn("1")]);
        await store.create("ours");
        const file = join(folder, `${newer.id}.00000001.json`);
        const lines = (await readFile(file, "utf8")).split("\n");
        const head = /^\{"head":(.*),"sum":/.exec(lines[0] ?? "")?.[1]?.replace('"version":1', '"version":2') ?? "";
        const sum = Buffer.from((await loadHashes()).xxh128(Buffer.from(head))).toString("hex");
        const text = [`{"head":${head},"sum":"${sum}","turns":[`, ...lines.slice(1)].join("\n");
        await writeFile(file, text);
        await expect(store.load(newer.id)).rejects.toMatchObject({code: "usage"});
        expect((await store.list()).map(({name}) => name)).toEqual(["ours"]);
        expect(await readFile(file, "utf8")).toBe(text);
        expect(await readdir(folder)).toHaveLength(2);
    });

    test("a file of another conversation in its place gives none of the other's turns", async () => {
        const folder = await temporaryFolder();
        const store = new ConversationStore(folder);
        const mine = await store.create("mine", [turn("1", "mine")]);
        const other = await store.create("other", [turn("1", "secret")]);
        const name = (id: string): string => join(folder, `${id}.00000001.json`);
        await copyFile(name(other.id), name(mine.id));
        expect(await store.load(mine.id)).toBeUndefined();
        expect(textsOf(await store.load(other.id))).toEqual(["secret"]);
        await rm(folder, {recursive: true});
        expect(await store.list()).toEqual([]);
        expect(textsOf(await store.create("new", [turn("1")]))).toEqual(["text of 1"]);
    });
});
