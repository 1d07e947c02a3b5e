/** Turns what a phase left behind into numbers. A phase that died without a word counts as failed, never as nothing. */

/**
 * @typedef {{name: string, text: string}} Failure `text` is what was said of it
 * @typedef {{passed: number, failures: readonly Failure[]}} Count
 * @typedef {{status: string, fullName: string, failureMessages?: readonly string[]}} VitestTest
 * @typedef {{status: string, name: string, message?: string, assertionResults: readonly VitestTest[]}} VitestFile
 * @typedef {{success: boolean, testResults: readonly VitestFile[]}} VitestReport
 */

/**
 * @param {VitestReport | undefined} report undefined: none was written
 * @param {number | null} exitCode null: ended by a signal
 * @returns {Count}
 */
export function countVitest(report, exitCode) {
    if (report === undefined) return {passed: 0, failures: [{name: "vitest", text: `no report, ${ending(exitCode)}`}]};
    let passed = 0;
    /** @type {Failure[]} */
    const failures = [];
    for (const {status, name, message, assertionResults} of report.testResults) {
        passed += assertionResults.filter((test) => test.status === "passed").length;
        const failed = assertionResults.filter((test) => test.status === "failed");
        for (const test of failed) failures.push({name: test.fullName, text: (test.failureMessages ?? []).join("\n")});
        // A file that fails outside its tests (it does not load, a hook throws) has no failed test to show for it.
        if (failed.length === 0 && status === "failed") failures.push({name, text: message ?? ""});
    }
    // An error outside every file, such as a worker that crashed in native code.
    if (failures.length === 0 && (exitCode !== 0 || !report.success))
        failures.push({name: "vitest", text: `outside every test, ${ending(exitCode)}`});
    return {passed, failures};
}

/**
 * @typedef {{title: string, state: "passed" | "failed", error?: string}} HostTest
 */

/**
 * @param {readonly HostTest[] | undefined} results undefined: none were written
 * @param {unknown} crash undefined when VS Code ended well
 * @returns {Count}
 */
export function countHost(results = [], crash) {
    const passed = results.filter(({state}) => state === "passed").length;
    const failures = results
        .filter(({state}) => state === "failed")
        .map(({title, error}) => ({name: title, text: error ?? ""}));
    // A run that ended badly with nothing failed in it failed all the same.
    if (failures.length === 0 && (crash !== undefined || passed === 0))
        failures.push({name: "VS Code", text: crash instanceof Error ? crash.message : String(crash ?? "no test ran")});
    return {passed, failures};
}

/**
 * A command that is one test: lint, types.
 * @param {string} name
 * @param {number | null} exitCode
 * @returns {Count}
 */
export function countCommand(name, exitCode) {
    return exitCode === 0 ? {passed: 1, failures: []} : {passed: 0, failures: [{name, text: ending(exitCode)}]};
}

/**
 * Both after one another.
 * @param {Count} a
 * @param {Count} b
 * @returns {Count}
 */
export function sum(a, b) {
    return {passed: a.passed + b.passed, failures: [...a.failures, ...b.failures]};
}

/** @param {number | null} exitCode */
function ending(exitCode) {
    return exitCode === null ? "ended by a signal" : `ended with ${exitCode}`;
}
