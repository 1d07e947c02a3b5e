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

const beginMs = cpuMs();
const extension = require("./measured.cjs");
const loadMs = cpuMs() - beginMs;

exports.activate = (context) => {
    const startMs = cpuMs();
    const api = extension.activate(context);
    const figures = {loadMs, activateMs: cpuMs() - startMs};
    writeFileSync(path.join(__dirname, "activation.json"), JSON.stringify(figures));
    return api;
};
exports.deactivate = extension.deactivate;
