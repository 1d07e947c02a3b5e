/** What VS Code starts inside its extension host: runs the bundled test files with mocha and leaves the results beside itself. */
import {readdirSync, writeFileSync} from "node:fs";
import path from "node:path";
import Mocha from "mocha";

interface Result {
    title: string;
    state: "passed" | "failed";
    error?: string;
    ms: number;
}

export async function run(): Promise<void> {
    const grep = process.env["KVASIR_TEST_GREP"];
    const mocha = new Mocha({ui: "bdd", timeout: 90_000, color: false, ...(grep === undefined ? {} : {grep})});
    const folder = __dirname;
    const files = readdirSync(folder).filter((name) => name.endsWith(".test.cjs"));
    for (const file of files.sort()) mocha.addFile(path.join(folder, file));
    const results: Result[] = [];
    const say = (text: string) => console.log(text);
    const nFailed = await new Promise<number>((resolve) => {
        const runner = mocha.reporter("min").run(resolve);
        forgiveOthers(runner, say);
        runner
            .on("pass", (test) => {
                results.push({title: test.fullTitle(), state: "passed", ms: test.duration ?? 0});
                say(`  ✔ ${test.fullTitle()} (${test.duration ?? 0} ms)`);
            })
            .on("fail", (test, error: unknown) => {
                const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
                results.push({title: test.fullTitle(), state: "failed", error: text, ms: test.duration ?? 0});
                say(`  ✘ ${test.fullTitle()}\n${text}`);
            });
    });
    writeFileSync(path.join(folder, "results.json"), JSON.stringify(results));
    if (nFailed > 0) throw new Error(`${nFailed} tests failed`);
}

/**
 * The extension host is shared: what another extension lets fall (git's, when a process it asks ends early) ends in
 * whatever test runs then, and is not its fault.
 */
function forgiveOthers(runner: Mocha.Runner, say: (text: string) => void): void {
    // mocha's own listener, which fails the running test; it is not in the types.
    const {uncaught} = runner as unknown as {uncaught: (error: unknown) => void};
    if (!process.listeners("uncaughtException").includes(uncaught)) throw new Error("mocha listens in another way now");
    process.off("uncaughtException", uncaught);
    const listener = (error: unknown) => {
        const stack = error instanceof Error ? (error.stack ?? "") : "";
        if (/[\\/]extensions[\\/]git[\\/]/.test(stack)) say(`Not ours: ${stack}`);
        else uncaught(error);
    };
    process.on("uncaughtException", listener);
    runner.once("end", () => process.off("uncaughtException", listener));
}
