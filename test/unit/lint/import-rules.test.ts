import path from "node:path";
import {fileURLToPath} from "node:url";
import {ESLint} from "eslint";
import {glob} from "tinyglobby";
import {describe, expect, it} from "vitest";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../..");
// Only the import rule: the type-checked ones need files that exist on disk.
const eslint = new ESLint({
    cwd: root,
    overrideConfig: {languageOptions: {parserOptions: {projectService: false}}},
    ruleFilter: ({ruleId}) => ruleId.startsWith("boundaries/"),
});

/** Rules broken by `code` if it stood in `file` (a path that need not exist). */
async function lint(file: string, code: string): Promise<(string | null)[]> {
    const [result] = await eslint.lintText(code, {filePath: path.join(root, file)});
    return (result?.messages ?? []).map(({ruleId, message}) => ruleId ?? message);
}

const forbidden: [string, string, string][] = [
    [
        "protocol takes nothing of Node",
        "extension/protocol/x.ts",
        'import {readFile} from "node:fs/promises"; readFile;',
    ],
    ["protocol takes no other package than its schemas", "extension/protocol/x.ts", 'import ora from "ora"; ora;'],
    ["core does no I/O", "extension/core/x.ts", 'import fs from "node:fs"; fs;'],
    ["core knows no editor", "extension/core/x.ts", 'import type {Uri} from "vscode"; export type X = Uri;'],
    ["core knows no llama.cpp", "extension/core/x.ts", 'import {getLlama} from "node-llama-cpp"; getLlama;'],
    ["core takes only pure packages", "extension/core/x.ts", 'import ora from "ora"; ora;'],
    ["engine knows no editor", "extension/engine/x.ts", 'import * as vscode from "vscode"; vscode;'],
    [
        "cli reaches llama.cpp through the engine only",
        "extension/cli/x.ts",
        'import {getLlama} from "node-llama-cpp"; getLlama;',
    ],
    ["host does not load llama.cpp", "extension/host/x.ts", 'export * from "node-llama-cpp";'],
    ["host does not load it lazily either", "extension/host/x.ts", 'export const x = import("node-llama-cpp");'],
    ["webview does not see the editor", "webview/x.ts", 'import * as vscode from "vscode"; vscode;'],
    ["webview has no Node", "webview/x.ts", 'import path from "node:path"; path;'],
    [
        "nothing in extension/ takes from the tests",
        "extension/engine/x.ts",
        'import "../../test/unit/lint/import-rules.test.js";',
    ],
    ["protocol takes no set-up code", "extension/protocol/x.ts", 'import "../../scripts/setup/plan.mjs";'],
];

const allowed: [string, string, string][] = [
    ["protocol takes schemas", "extension/protocol/x.ts", 'import {z} from "zod"; z;'],
    ["core takes protocol", "extension/core/x.ts", 'import {usage} from "../protocol/errors.js"; usage;'],
    ["core takes a pure package", "extension/core/x.ts", 'import MiniSearch from "minisearch"; MiniSearch;'],
    [
        "engine takes llama.cpp and Node",
        "extension/engine/a/x.ts",
        'import {getLlama} from "node-llama-cpp"; import fs from "node:fs"; getLlama; fs;',
    ],
    ["engine takes protocol", "extension/engine/a/x.ts", 'import {usage} from "../../protocol/errors.js"; usage;'],
    ["host takes the editor", "extension/host/x.ts", 'import * as vscode from "vscode"; vscode;'],
    [
        "webview takes protocol",
        "webview/chat/x.ts",
        'import type {KvasirErrorData} from "../../extension/protocol/errors.js"; export type X = KvasirErrorData;',
    ],
    ["cli takes packages", "extension/cli/x.ts", 'import {Command} from "commander"; Command;'],
];

describe("the import table", () => {
    it.each(forbidden)("%s", async (_name, file, code) => {
        expect(await lint(file, code)).toEqual(["boundaries/dependencies"]);
    });

    it.each(allowed)("%s", async (_name, file, code) => {
        expect(await lint(file, code)).toEqual([]);
    });

    // Layer against layer, from files that exist: the target must be found for its layer to be known.
    it("core may not take from engine, engine may not take from host", async () => {
        const [engineFile] = await glob("engine/**/*.ts", {cwd: path.join(root, "extension")});
        const target = `../${engineFile ?? "no file in engine"}`.replace(/\.ts$/, ".js");
        expect(await lint("extension/core/x.ts", `import "${target}";`)).toEqual(["boundaries/dependencies"]);
        expect(await lint("extension/host/x.ts", `import "${target}";`)).toEqual(["boundaries/dependencies"]);
        expect(await lint("webview/x.ts", `import "../extension/core/${target}";`)).toEqual([
            "boundaries/dependencies",
        ]);
        expect(await lint("extension/cli/x.ts", `import "${target}";`)).toEqual([]);
    });
});
