/**
 * Stands before the extension's bundle in a copy of its folder for scripts/bench-vscode.mjs: what loading and activating
 * take of the extension host's thread. Processor time of the thread, so that other work of the machine does not count.
 */
const {writeFileSync} = require("node:fs");
const path = require("node:path");

/** ms of processor time; of the process where Node cannot tell its threads apart. */
function cpuMs() {
    const {user, system} = (process.threadCpuUsage ?? process.cpuUsage).call(process);
    return (user + system) / 1000;
}

/** What some work takes: of the processor, and by the clock. @param {() => unknown} work */
function measured(work) {
    const [cpu, wall] = [cpuMs(), performance.now()];
    const result = work();
    return {result, cpuMs: cpuMs() - cpu, wallMs: performance.now() - wall};
}

const load = measured(() => require("./measured.cjs"));
const extension = load.result;

exports.activate = (context) => {
    const {result, cpuMs: activateMs, wallMs: activateWallMs} = measured(() => extension.activate(context));
    const figures = {loadMs: load.cpuMs, loadWallMs: load.wallMs, activateMs, activateWallMs};
    // Behind what VS Code measures.
    setTimeout(() => writeFileSync(path.join(__dirname, "activation.json"), JSON.stringify(figures)));
    return result;
};
exports.deactivate = extension.deactivate;
