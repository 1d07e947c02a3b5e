/** The small real model and real text for the scenarios: settings, files, and questions that are quick to answer. */
import {existsSync, readFileSync} from "node:fs";
import path from "node:path";
import type {AskRequest, EngineSettings, SourceFile} from "../../extension/protocol/engine.js";

/** From the sources and from the bundle. */
const root = [path.resolve(import.meta.dirname, "../.."), path.resolve(import.meta.dirname, "..")].find((folder) =>
    existsSync(path.join(folder, "package.json")),
)!;

export const workspace = "/repo";
/** Of each engine; runs beside others share the cores. */
export const threadsVariable = "KVASIR_RELIABILITY_THREADS";
const nThreads = Number(process.env[threadsVariable] ?? 0);

export function smallSettings(cacheDir: string, more: Partial<EngineSettings> = {}): EngineSettings {
    return {
        modelPath: path.join(root, ".kvasir/models/SmolLM2-135M-Instruct.Q4_1.gguf"),
        gpu: "cpu",
        policy: "aha-file",
        budget: 0.25,
        rowType: "f16",
        kvMib: 256,
        cacheDir,
        threads: nThreads,
        position: "parallel",
        attendedTokens: 2048,
        waitForReadsMs: 120_000,
        ...more,
    };
}

/** Real source text, cut into as many files as are wanted, of so many lines each. */
export function someFiles(count: number, linesEach: number): SourceFile[] {
    const lines = readFileSync(path.join(root, "test/fixtures/sample-source.ts.txt"), "utf8").split("\n");
    return Array.from({length: count}, (_, i) => {
        const from = (i * linesEach) % Math.max(1, lines.length - linesEach);
        // The first line makes files with the same lines different ones.
        return {path: `src/f${i}.ts`, text: `// ${i}\n${lines.slice(from, from + linesEach).join("\n")}\n`};
    });
}

export function askAbout(paths: string[], conversation: string, more: Partial<AskRequest> = {}): AskRequest {
    return {
        workspace,
        conversation,
        turns: [{role: "user", text: "What does this file do?"}],
        choice: {context: paths, onlyNamed: true},
        maxTokens: 4,
        temperature: 0,
        ...more,
    };
}
