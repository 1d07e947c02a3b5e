/** Turns what a phase left behind into numbers. A phase that died without a word counts as failed, never as nothing. */

/**
 * @typedef {{passed: number, failed: number}} Count
 * @typedef {{status: string, assertionResults: {status: string}[]}} VitestFile
 * @typedef {{success: boolean, testResults: VitestFile[]}} VitestReport
 */

/**
 * @param {VitestReport | undefined} report undefined: none was written
 * @param {number | null} exitCode null: ended by a signal
 * @returns {Count}
 */
export function countVitest(report, exitCode) {
    if (report === undefined) return {passed: 0, failed: 1};
    let passed = 0;
    let failed = 0;
    for (const {status, assertionResults} of report.testResults) {
        const nFailed = assertionResults.filter((test) => test.status === "failed").length;
        passed += assertionResults.filter((test) => test.status === "passed").length;
        // A file that fails outside its tests (it does not load, a hook throws) has no failed test to show for it.
        failed += nFailed === 0 && status === "failed" ? 1 : nFailed;
    }
    // An error outside every file, such as a worker that crashed in native code.
    if (failed === 0 && (exitCode !== 0 || !report.success)) failed = 1;
    return {passed, failed};
}

/**
 * A command that is one test: lint, types.
 * @param {number | null} exitCode
 * @returns {Count}
 */
export function countCommand(exitCode) {
    return exitCode === 0 ? {passed: 1, failed: 0} : {passed: 0, failed: 1};
}
