/** What tests in a real browser need from the system: Chromium, as a Debian package. Runs only when it is asked for. */
import {existsSync} from "node:fs";
import path from "node:path";
import {runCommand} from "../run-command.mjs";
import {SetupError, fetchError} from "../setup-error.mjs";

const packages = ["chromium"];

/** @type {import("../plan.mjs").Step} */
export const browser = {
    name: "browser",
    title: "browser for the tests",
    tools: [],
    after: [],
    isOptional: true,
    async status() {
        const found = findChromium();
        return found === undefined
            ? {state: "pending", detail: "chromium is not installed"}
            : {state: "done", detail: found};
    },
    async run(report) {
        const command = `apt-get install -y --no-install-recommends ${packages.join(" ")}`;
        if (!existsSync("/usr/bin/apt-get")) {
            throw new SetupError("Chromium is missing and this system has no apt-get.", {
                fix: "Install Chromium or Chrome, so that `chromium` is on the PATH.",
            });
        }
        if (process.getuid?.() !== 0) {
            throw new SetupError("Chromium is missing and only root may install it.", {
                fix: `Run: sudo apt-get update && sudo ${command}`,
            });
        }
        const env = {DEBIAN_FRONTEND: "noninteractive"};
        try {
            await runCommand("apt-get", ["update"], {log: "browser", report, env});
            await runCommand("apt-get", command.split(" ").slice(1), {log: "browser", report, env});
        } catch (error) {
            throw fetchError("Chromium", error);
        }
        const found = findChromium();
        if (found === undefined) throw new SetupError("apt-get installed no chromium.");
        return found;
    },
};

export function findChromium() {
    const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    return (process.env.PATH ?? "")
        .split(path.delimiter)
        .flatMap((folder) => names.map((name) => path.join(folder, name)))
        .find((file) => existsSync(file));
}
