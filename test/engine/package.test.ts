/** What `npm run package` makes, used where nothing of the checkout is near. With llama.cpp for the processor only. */
import {execFileSync, spawnSync} from "node:child_process";
import {cpSync, mkdtempSync, readdirSync, realpathSync, rmSync, statSync, symlinkSync} from "node:fs";
import {tmpdir} from "node:os";
import path from "node:path";
import {afterAll, beforeAll, describe, expect, it} from "vitest";
import {packages} from "../../scripts/package/stage.mjs";
import {root} from "../../scripts/setup/paths.mjs";
import {modelFile} from "../../scripts/setup/steps/model.mjs";

const target = `${process.platform}-${process.arch}`;
let folder: string;

beforeAll(() => {
    folder = realpathSync(mkdtempSync(path.join(tmpdir(), "kvasir-packages-")));
    execFileSync(process.execPath, [path.join(root, "scripts/package.mjs"), "--cpu-only"], {stdio: "pipe"});
});
afterAll(() => rmSync(folder, {recursive: true, force: true}));

/** @returns what its Doctor finds of the things that it came with */
function doctor(program: string): {ok: boolean; profile: string | undefined} {
    const flags = ["--json", "--gpu", "cpu", "--model", modelFile, "--cache-dir", path.join(folder, "cache")];
    const output = execFileSync(process.execPath, [program, "doctor", ...flags], {
        cwd: folder,
        encoding: "utf8",
        env: {...process.env, KVASIR_MODELS_DIR: path.join(folder, "models")},
    });
    const {ok, checks} = JSON.parse(output) as {ok: boolean; checks: {id: string; detail: string}[]};
    return {ok, profile: checks.find(({id}) => id === "head-profile")?.detail};
}

describe("packages", () => {
    it("the extension has its addon, llama.cpp and head profiles beside itself, and nothing that serves building", () => {
        expect(statSync(path.join(packages, `kvasir-${target}-cpu.vsix`)).size).toBeLessThan(40e6);
        // What was packed, away from the checkout's node_modules.
        const installed = path.join(folder, "extension");
        cpSync(path.join(packages, `extension-${target}`), installed, {recursive: true});
        const {ok, profile} = doctor(path.join(installed, "dist/cli.mjs"));
        expect({ok, profile}).toEqual({ok: true, profile: expect.stringContaining(`shipped, ${installed}`) as string});
        const files = readdirSync(installed, {recursive: true, encoding: "utf8"});
        expect(files.filter((file) => /\.(?:map|ts|cpp|bundle|vsix)$|\.inputs\.json$/.test(file))).toEqual([]);
        for (const file of [
            "dist/extension.cjs",
            "dist/engine.mjs",
            "dist/webview/chat.js",
            "native-config/models.json",
        ])
            expect(files).toContain(path.normalize(file));
    });

    it("for a platform that is not this one are refused with what is missing, and nothing is packed", () => {
        const others = ["darwin-arm64", "plan9-mips"].filter((other) => other !== target);
        for (const other of others) {
            const {status, stderr} = spawnSync(
                process.execPath,
                [path.join(root, "scripts/package.mjs"), "--only", "extension", "--target", other],
                {encoding: "utf8"},
            );
            expect(status).toBe(1);
            expect(stderr).toMatch(/^package: (?:llama\.cpp|The native addon) for .* not |There is no target/);
            expect(readdirSync(packages).filter((file) => file.includes(other))).toEqual([]);
        }
    });

    it("the command line runs from where npm unpacks it", () => {
        execFileSync("tar", ["-xzf", path.join(packages, "kvasir-cli.tgz"), "-C", folder]);
        const unpacked = path.join(folder, "package");
        expect(readdirSync(unpacked).sort()).toEqual(
            ["CHANGELOG.md", "LICENSE", "README.md", "dist", "native", "native-config", "package.json"].sort(),
        );
        // npm fetches node-llama-cpp beside it.
        symlinkSync(path.join(root, "node_modules"), path.join(folder, "node_modules"), "junction");
        const {ok, profile} = doctor(path.join(unpacked, "dist/cli.mjs"));
        expect({ok, profile}).toEqual({ok: true, profile: expect.stringContaining(`shipped, ${unpacked}`) as string});
    });
});
