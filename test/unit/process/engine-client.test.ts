import {chmod, mkdtemp, rm, stat, writeFile} from "node:fs/promises";
import {createServer} from "node:net";
import {tmpdir} from "node:os";
import path from "node:path";
import {beforeAll, describe, expect, it, onTestFinished} from "vitest";
import type {ConnectionState} from "../../../extension/client/engine-client.js";
import type {AttendedFile} from "../../../extension/protocol/engine.js";
import {endpointFileName} from "../../../extension/protocol/rpc.js";
import {buildScriptedProcess, eventually, newClient, question, runtimeFolder, serveEngine} from "./engine-fixtures.js";

describe("a client of a running engine", () => {
    it("streams an answer in order and gets the report", async () => {
        const folder = await runtimeFolder();
        const {engines} = await serveEngine(folder);
        const client = newClient(folder);
        const pieces: string[] = [];
        let attended: AttendedFile[] = [];
        const report = await client.ask(question("words 500"), {
            text: (piece) => pieces.push(piece),
            attended: (files) => (attended = files),
        });
        expect(pieces).toEqual(Array.from({length: 500}, (_, n) => `w${n} `));
        expect(report).toMatchObject({text: pieces.join(""), tokens: 500, stop: "endOfText"});
        expect(attended).toEqual([{path: "a.ts", tokens: 3, keptRows: 1, why: "open"}]);
        expect(engines).toHaveLength(1);
    });

    it("passes every other method through", async () => {
        const folder = await runtimeFolder();
        const {engines} = await serveEngine(folder);
        const client = newClient(folder);
        const shares: number[] = [];
        expect(await client.load((share) => shares.push(share))).toMatchObject({name: "a", layers: 30});
        expect(shares).toEqual([0, 0.5, 1]);
        expect(await client.updateWorkspace({workspace: "w", upsert: [{path: "a.ts", text: "x"}]})).toEqual({known: 1});
        expect(await client.files("w")).toEqual([]);
        expect(await client.keptLines("w", "a.ts", "x")).toEqual({path: "a.ts", share: [1, 0.5], isCurrent: true});
        expect(await client.countTokens(["abc", ""])).toEqual([3, 0]);
        expect(await client.headProfile()).toBeUndefined();
        expect((await client.calibrate({workspace: "w"})).budgets).toEqual([{share: 0.25, perHead: [[1]]}]);
        expect((await client.doctor()).ok).toBe(true);
        expect(await client.cacheDrop("a.ts")).toBe(2);
        expect(await client.cacheList()).toEqual({entries: [], bytes: 0, limitBytes: 1});
        expect(await client.cacheVerify()).toEqual({checked: 3, bad: []});
        await client.cacheClear();
        await client.unload();
        client.pause();
        await eventually(() => engines[0]?.calls.includes("pause") ?? false);
        client.resume();
        await eventually(() => engines[0]?.calls.includes("resume") ?? false);
        expect(engines[0]?.calls).toContain("unload");
        expect(engines[0]?.calls).toContain("clear");
    });

    it("hears of every change of the status, with the number of clients", async () => {
        const folder = await runtimeFolder();
        const {engines} = await serveEngine(folder);
        const [a, b] = [newClient(folder), newClient(folder)];
        await Promise.all([a.connect(), b.connect()]);
        engines[0]?.setStatus({
            activity: "read",
            progress: {filesDone: 1, filesTotal: 2, tokensDone: 3, tokensTotal: 4},
        });
        await eventually(() => a.status().activity === "read" && b.status().clients === 2);
        expect(a.status().progress).toEqual({filesDone: 1, filesTotal: 2, tokensDone: 3, tokensTotal: 4});
    });

    it("gets coded errors with their way out", async () => {
        const folder = await runtimeFolder();
        await serveEngine(folder);
        await expect(newClient(folder).ask(question("fail"), {})).rejects.toMatchObject({
            name: "KvasirError",
            code: "kv-limit",
            message: "it does not fit.",
            fix: "Make room.",
        });
    });

    it("cancels in the engine, not only on its own side", async () => {
        const folder = await runtimeFolder();
        const {engines} = await serveEngine(folder);
        const client = newClient(folder);
        const controller = new AbortController();
        const asked = client.ask(question("wait"), {text: () => controller.abort()}, controller.signal);
        await expect(asked).rejects.toMatchObject({code: "cancelled"});
        expect(engines[0]?.calls).toContain("cancelled ask");
    });

    it("asks nothing when it was cancelled before", async () => {
        const folder = await runtimeFolder();
        const {engines} = await serveEngine(folder);
        const client = newClient(folder);
        await client.connect();
        await expect(client.ask(question("wait"), {}, AbortSignal.abort())).rejects.toMatchObject({code: "cancelled"});
        expect(engines[0]?.calls).toEqual([]);
    });

    it("has the newest question of a conversation answered and the stale ones cancelled, those of others not", async () => {
        const folder = await runtimeFolder();
        const {engines} = await serveEngine(folder);
        const [client, other] = [newClient(folder), newClient(folder)];
        const ask = (text: string, conversation: string, by = client) =>
            by.ask(question(text, conversation), {}).then(
                ({text: answer}) => answer,
                (error: {code: string}) => error.code,
            );
        await Promise.all([client.connect(), other.connect()]);
        const kept = [ask("wait", "another"), ask("wait", "one", other)];
        const stale = [ask("wait", "one"), ask("wait", "one")];
        expect(await ask("words 2", "one")).toBe("w0 w1 ");
        expect(await Promise.all(stale)).toEqual(["cancelled", "cancelled"]);
        expect(engines[0]?.calls.filter((call) => call === "cancelled ask")).toHaveLength(2);
        await client.dispose();
        await other.dispose();
        expect(await Promise.all(kept)).toEqual(["engine-stopped", "engine-stopped"]);
    });

    it("has the newest completions made and the stale ones cancelled", async () => {
        const folder = await runtimeFolder();
        const {engines} = await serveEngine(folder);
        const client = newClient(folder);
        const complete = (path: string) =>
            client.complete({workspace: "w", path, text: "", offset: 0, maxTokens: 1, multiLine: "auto"});
        const made = ["a", "b", "c", "d"].map((path) => complete(path).catch((error: {code: string}) => error.code));
        expect(await made[0]).toBe("cancelled");
        expect(await made[1]).toBe("cancelled");
        expect(engines[0]?.calls).not.toContain("cancelled complete c");
        expect(engines[0]?.calls).not.toContain("cancelled complete d");
        await client.dispose();
        expect(await made[3]).toBe("engine-stopped");
    });
});

describe("a client that vanishes", () => {
    it("takes its workspaces, conversations, running work and pause with it, and nobody else's", async () => {
        const folder = await runtimeFolder();
        const {engines} = await serveEngine(folder);
        const [going, staying] = [newClient(folder), newClient(folder)];
        await going.connect();
        await staying.connect();
        await going.updateWorkspace({workspace: "w", upsert: [{path: "going.ts", text: "x"}]});
        await staying.updateWorkspace({workspace: "w", upsert: [{path: "staying.ts", text: "x"}]});
        going.pause();
        const asked = going.ask(question("wait", "talk"), {}).catch((error: {code: string}) => error.code);
        const calls = engines[0]?.calls ?? [];
        await eventually(() => calls.some((call) => call.startsWith("ask")));
        const workspaceOf = (file: string) => calls.find((call) => call.endsWith(` ${file}`))?.split(" ")[1];
        await going.dispose();
        expect(await asked).toBe("engine-stopped");
        await eventually(() => calls.includes(`close ${workspaceOf("going.ts")}`));
        expect(calls).toContain("cancelled ask");
        expect(calls.find((call) => call.startsWith("forget"))).toMatch(/talk$/);
        expect(calls.filter((call) => call === "pause" || call === "resume")).toEqual(["pause", "resume"]);
        expect(workspaceOf("going.ts")).not.toBe(workspaceOf("staying.ts"));
        expect(calls).not.toContain(`close ${workspaceOf("staying.ts")}`);
        expect(await staying.countTokens(["ab"])).toEqual([2]);
    });
});

describe("clients that want different engines", () => {
    it("the first one's settings hold while others use the engine; who is alone gets its own", async () => {
        const folder = await runtimeFolder();
        const {engines} = await serveEngine(folder);
        const first = newClient(folder);
        await first.connect();
        let differing: string[] = [];
        const second = newClient(folder, {
            wants: {budget: 0.5, modelPath: "/models/b.gguf"},
            onHello: (reply) => (differing = reply.differing),
        });
        await second.connect();
        expect(differing).toEqual(["budget", "modelPath"]);
        expect(engines).toHaveLength(1);
        await first.dispose();
        await eventually(() => second.status().clients === 1);
        await second.rejoin();
        expect(differing).toEqual([]);
        expect(engines).toHaveLength(2);
        expect(engines[0]?.calls).toContain("dispose");
    });
});

describe("finding and starting the engine", () => {
    let program: string;
    beforeAll(async () => {
        const folder = await mkdtemp(path.join(tmpdir(), "kvasir-program-"));
        program = await buildScriptedProcess(folder);
        return () => rm(folder, {recursive: true, force: true, maxRetries: 10, retryDelay: 100});
    });

    const pidOf = (state: ConnectionState): number => {
        if (state.name !== "connected") throw new Error(`the client is ${state.name}`);
        return state.pid;
    };

    it.each([1, 2, 3])("clients that start together end up with one engine (%i)", async () => {
        const folder = await runtimeFolder();
        const clients = Array.from({length: 6}, () => newClient(folder, {script: program}));
        await Promise.all(clients.map((client) => client.connect()));
        const pids = new Set(clients.map((client) => pidOf(client.connection())));
        expect(pids.size).toBe(1);
        expect(
            clients.map((client) => client.connection()).filter((state) => state.name === "connected" && state.isFirst),
        ).toHaveLength(1);
    });

    it("killed in the middle of an answer: who waits is told, and the next engine is there by itself", async () => {
        const folder = await runtimeFolder();
        const warnings: string[] = [];
        const log = {info: () => {}, warn: (message: string) => void warnings.push(message)};
        const client = newClient(folder, {script: program, backoffMs: [10, 10, 10], log});
        const states: string[] = [];
        client.onDidChangeConnection(({name}) => states.push(name));
        await client.connect();
        const pid = pidOf(client.connection());
        const asked = client
            .ask(question("wait"), {text: () => process.kill(pid, "SIGKILL")})
            .catch((error: {code: string}) => error.code);
        expect(await asked).toBe("engine-stopped");
        await eventually(() => client.connection().name === "connected");
        expect(pidOf(client.connection())).not.toBe(pid);
        expect(states).toEqual(["connecting", "connected", "waiting", "connecting", "connected"]);
        expect((await client.ask(question("words 3"), {})).text).toBe("w0 w1 w2 ");
        expect(warnings).toContainEqual(expect.stringContaining("ended by SIGKILL"));
    });

    it("is killed over and over and is there again each time", async () => {
        const folder = await runtimeFolder();
        const client = newClient(folder, {script: program, backoffMs: Array.from({length: 20}, () => 1)});
        await client.connect();
        for (let n = 0; n < 8; n++) {
            const asked = client.ask(question("words 100000"), {}).catch((error: {code: string}) => error.code);
            await new Promise((resolve) => setTimeout(resolve, n * 7));
            const pid = pidOf(client.connection());
            process.kill(pid, "SIGKILL");
            expect(["engine-stopped"]).toContain(await asked);
            await eventually(() => client.connection().name === "connected");
        }
        expect((await client.ask(question("words 2"), {})).text).toBe("w0 w1 ");
    });

    it("a text that ends the engine three times is left out until it changes; the others are read", async () => {
        const folder = await runtimeFolder();
        let quarantined: string[] = [];
        const client = newClient(folder, {
            script: program,
            backoffMs: Array.from({length: 20}, () => 1),
            onHello: (reply) => (quarantined = reply.quarantined),
        });
        const send = (text: string) =>
            client.updateWorkspace({
                workspace: "w",
                upsert: [
                    {path: "fine.ts", text: "x"},
                    {path: "endless.ts", text},
                ],
            });
        for (let n = 1; n <= 3; n++) {
            await client.connect();
            expect(quarantined).toEqual([]);
            expect(await send("bad")).toEqual({known: 2});
            const pid = pidOf(client.connection());
            const read = client.read({workspace: "w", paths: ["fine.ts", "endless.ts"]}, ({path}) => {
                if (path === "endless.ts") process.kill(pid, "SIGKILL");
            });
            await expect(read).rejects.toMatchObject({code: "engine-stopped"});
        }
        await client.connect();
        expect(quarantined).toEqual(["endless.ts"]);
        expect(await send("bad")).toEqual({known: 1});
        expect(await send("mended")).toEqual({known: 2});
    });

    it("gives up after its pauses and says what to do, and tries again when asked", async () => {
        const folder = await runtimeFolder();
        const broken = path.join(folder, "broken.mjs");
        await writeFile(
            broken,
            'process.stderr.write("2026-01-01T00:00:00.000Z no such library\\n"); process.exit(1);',
        );
        const client = newClient(folder, {script: broken});
        await expect(client.connect()).rejects.toMatchObject({
            code: "engine-unreachable",
            message: expect.stringContaining("no such library") as string,
        });
        expect(client.connection()).toMatchObject({name: "failed", code: "engine-unreachable"});
        expect(client.status().error?.code).toBe("engine-unreachable");
        await serveEngine(folder);
        await client.connect();
        expect(client.connection().name).toBe("connected");
    });

    it("a restart ends the process for every client and all are served again", async () => {
        const folder = await runtimeFolder();
        const [a, b] = [
            newClient(folder, {script: program}),
            newClient(folder, {script: program, backoffMs: [20, 50, 200]}),
        ];
        await a.connect();
        await b.connect();
        const before = pidOf(a.connection());
        await a.restart();
        await eventually(() => b.connection().name === "connected" && pidOf(b.connection()) !== before);
        expect(pidOf(a.connection())).toBe(pidOf(b.connection()));
    });

    it("an engine that nobody uses ends by itself and leaves nothing behind", async () => {
        const folder = await runtimeFolder();
        const {process: engine} = await serveEngine(folder, 20);
        const client = newClient(folder);
        await client.connect();
        await client.dispose();
        expect(await engine.ended).toBe("idle");
        await expect(stat(path.join(folder, endpointFileName))).rejects.toMatchObject({code: "ENOENT"});
    });

    it.each([
        ["a file that is no JSON", "not json"],
        ["an endpoint without a token", JSON.stringify({pid: 1, socket: "/x", protocol: 1, version: "1"})],
        [
            "a socket where nobody listens",
            JSON.stringify({pid: 1, socket: "/nowhere.sock", token: "0".repeat(64), protocol: 1, version: "1"}),
        ],
    ])("%s does not keep an engine from starting", async (_, text) => {
        const folder = await runtimeFolder();
        await writeFile(path.join(folder, endpointFileName), text);
        const client = newClient(folder, {script: program});
        await client.connect();
        expect(client.connection()).toMatchObject({name: "connected", isFirst: true});
    });

    it("the folder and the file with the token are the user's alone", async () => {
        const folder = await runtimeFolder();
        await chmod(folder, 0o755);
        await serveEngine(folder);
        expect((await stat(folder)).mode & 0o777).toBe(0o700);
        expect((await stat(path.join(folder, endpointFileName))).mode & 0o777).toBe(0o600);
    });

    it("a folder that others can write is not trusted", async () => {
        const folder = await runtimeFolder();
        await serveEngine(folder);
        await chmod(folder, 0o777);
        await expect(newClient(folder).connect()).rejects.toMatchObject({code: "engine-unreachable"});
    });

    it("an engine of another version is named when it is in use, and makes room when it is not", async () => {
        const folder = await runtimeFolder();
        let leaves = false;
        const other = createServer((socket) => {
            socket.on("error", () => {});
            socket.once("data", () => {
                socket.end(
                    `${JSON.stringify({kvasir: "engine", kind: "refused", reason: "protocol", protocol: 99, leaves})}\n`,
                );
                if (leaves) other.close();
            });
        });
        const socket = path.join(folder, "other.sock");
        await new Promise<void>((resolve) => other.listen(socket, resolve));
        onTestFinished(() => void other.close());
        await writeFile(
            path.join(folder, endpointFileName),
            JSON.stringify({pid: process.pid, socket, token: "0".repeat(64), protocol: 99, version: "9"}),
        );
        await chmod(folder, 0o700);
        const client = newClient(folder, {script: program});
        await expect(client.connect()).rejects.toMatchObject({code: "engine-version"});
        leaves = true;
        await client.connect();
        expect(client.connection().name).toBe("connected");
    });
});
