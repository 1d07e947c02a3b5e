import {existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import path from "node:path";
import type {Llama} from "node-llama-cpp";
import {afterEach, beforeEach, describe, expect, it} from "vitest";
import {startProven} from "../../../extension/engine/model/proven-binary.js";

/** As node-llama-cpp does it: whoever finds a binary has a Llama made of it by the class. */
let folder: string;
let bindingPath: string;
let proofFile: string;
let nTrials: number;
let made: unknown[];
let fails: boolean;
let gpu: string | false;
let library: {Llama: {_create: (options: never) => Promise<Llama>}};
beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "kvasir-proof-"));
    bindingPath = path.join(folder, "binding.cjs");
    writeFileSync(bindingPath, "module.exports = {isBinding: true};");
    proofFile = path.join(folder, "cache", "llama-cpu.json");
    [nTrials, made, fails, gpu] = [0, [], false, false];
    library = {
        Llama: {
            _create: (options) => {
                made.push(options);
                return fails ? Promise.reject(new Error("no such device")) : Promise.resolve({gpu} as Llama);
            },
        },
    };
});
afterEach(() => rmSync(folder, {recursive: true, force: true}));

const functions = {logger: () => {}, vramPadding: () => 1, ramPadding: () => 2};
const start = (more: {proofFile?: undefined} = {}) =>
    startProven({
        library,
        gpu: "cpu",
        proofFile,
        functions,
        find: async () => {
            nTrials++;
            fails = false;
            const options = {
                bindings: {isBinding: true},
                bindingPath,
                buildType: "prebuilt",
                buildMetadata: {buildOptions: {gpu: false}},
                ...functions,
            };
            return library.Llama._create(options as never);
        },
        ...more,
    });

describe("a binary that has worked on this machine", () => {
    it("is loaded without a trial by the next start, from the same parts", async () => {
        await start();
        expect(nTrials).toBe(1);
        expect((await start()).gpu).toBe(false);
        expect((await start()).gpu).toBe(false);
        expect(nTrials).toBe(1);
        expect(made).toHaveLength(3);
        for (const options of made)
            expect(options).toMatchObject({
                bindings: {isBinding: true},
                bindingPath,
                buildType: "prebuilt",
                ...functions,
            });
    });

    it("is tried again when it is another one, when it fails and when it finds another device", async () => {
        await start();
        utimesSync(bindingPath, 1, 1);
        await start();
        expect(nTrials).toBe(2);
        fails = true;
        await start();
        expect(nTrials).toBe(3);
        gpu = "vulkan";
        library.Llama._create = (() => Promise.resolve({gpu, dispose: async () => {}})) as never;
        await start();
        expect(nTrials).toBe(4);
    });

    it("is tried again by the next process when it ends this one while it is loaded", async () => {
        await start();
        expect(existsSync(proofFile)).toBe(true);
        let isThereMeanwhile: boolean | undefined;
        const create = library.Llama._create;
        library.Llama._create = (options) => {
            isThereMeanwhile = existsSync(proofFile);
            return create(options);
        };
        await start();
        expect(isThereMeanwhile).toBe(false);
        expect(existsSync(proofFile)).toBe(true);
    });

    it("has no proof where nothing is kept, or node-llama-cpp is not as we know it", async () => {
        await start({proofFile: undefined});
        await start({proofFile: undefined});
        expect(nTrials).toBe(2);
        await startProven({
            library: {Llama: {}},
            gpu: "cpu",
            proofFile,
            functions,
            find: () => Promise.resolve({} as Llama),
        });
        expect(existsSync(proofFile)).toBe(false);
    });
});
