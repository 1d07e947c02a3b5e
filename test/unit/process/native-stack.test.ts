import {spawnSync} from "node:child_process";
import {existsSync, readdirSync, writeFileSync} from "node:fs";
import path from "node:path";
import {describe, expect, it} from "vitest";
import {takeNativeStack} from "../../../extension/engine/process/native-stack.js";
import {newClient, runtimeFolder, serveEngine} from "./engine-fixtures.js";

/** Of a process that has ended. */
const deadPid = () => spawnSync(process.execPath, ["-e", ""]).pid;
const stackOf = (folder: string, pid: number) => path.join(folder, `native-stack-${pid}.txt`);

describe("the native stack of an engine that died", () => {
    it("is found once, and taken away; an empty one and that of a living engine are none", async () => {
        const folder = await runtimeFolder();
        writeFileSync(stackOf(folder, deadPid()), "");
        writeFileSync(stackOf(folder, process.pid), "SIGSEGV\nfrom a living process\n");
        expect(takeNativeStack(folder)).toBeUndefined();
        writeFileSync(stackOf(folder, deadPid()), "SIGSEGV\nlibllama.so(+0x10)[0x10]\n");
        expect(takeNativeStack(folder)).toBe("SIGSEGV\nlibllama.so(+0x10)[0x10]");
        expect(takeNativeStack(folder)).toBeUndefined();
        expect(readdirSync(folder)).toEqual([path.basename(stackOf(folder, process.pid))]);
    });

    it("is told to the clients of the next engine, and is in its log", async () => {
        const folder = await runtimeFolder();
        const file = stackOf(folder, deadPid());
        writeFileSync(file, "SIGABRT\nlibggml-base.so(ggml_abort+0x1)[0x1]\n");
        const {log} = await serveEngine(folder);
        let told: string | undefined;
        await newClient(folder, {onHello: ({lastCrash}) => (told = lastCrash)}).connect();
        expect(told).toBe("SIGABRT\nlibggml-base.so(ggml_abort+0x1)[0x1]");
        expect(log.join("\n")).toContain("SIGABRT | libggml-base.so(ggml_abort+0x1)[0x1]");
        expect(existsSync(file)).toBe(false);
    });
});
