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
    forgiveOthers(say);
    const nFailed = await new Promise<number>((resolve) => {
        mocha
            .reporter("min")
            .run(resolve)
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
 * whatever test runs then, and is not its fault. The host wraps listeners of uncaught errors, so what mocha does with
 * them is changed at its root; it is not in the types.
 */
function forgiveOthers(say: (text: string) => void): void {
    const runner = Mocha.Runner.prototype as unknown as {_uncaught?: (this: unknown, error: unknown) => void};
    const uncaught = runner._uncaught;
    if (uncaught === undefined) throw new Error("mocha hears of uncaught errors in another way now");
    runner._uncaught = function (error) {
        const stack = error instanceof Error ? (error.stack ?? "") : "";
        if (/[\\/]extensions[\\/]git[\\/]/.test(stack)) say(`Not ours: ${stack}`);
        else uncaught.call(this, error);
    };
}
