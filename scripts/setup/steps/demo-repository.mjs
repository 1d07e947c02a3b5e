/** The repository that the demo asks about: the TypeScript sources of MobX (MIT), as its package ships them. */
import {mkdir, rename, rm} from "node:fs/promises";
import path from "node:path";
import {hashFile, keyOf} from "../content-hash.mjs";
import {downloads, repositories, root} from "../paths.mjs";
import {runCommand, runNpm} from "../run-command.mjs";
import {SetupError, fetchError} from "../setup-error.mjs";
import {isStamped, writeStamp} from "../stamp.mjs";

const name = "mobx";
const version = "7.1.3";
const integrity = "sha512-H2NcS5ylMsqYn7v4WpSdzv5YWPmw5XTV6pG2NvY0qYbh95FXbswZJ7pn7wU0rOtUvRzk+3t4AOX2eircoN+vBg==";
/** The sources and what a reader of a repository expects beside them; the bundles in dist are left out. */
const wanted = ["package/src", "package/package.json", "package/README.md", "package/LICENSE"];
const key = keyOf({name, version, integrity, wanted: wanted.join(" ")});

export const demoRepositoryFolder = path.join(repositories, `${name}-${version}`);

/** @type {import("../plan.mjs").Step} */
export const demoRepository = {
    name: "demo-repo",
    title: "repository for the demo",
    tools: ["npm", "tar"],
    after: [],
    async status() {
        return (await isStamped("demo-repo", key, demoRepositoryFolder))
            ? {state: "done", detail: path.relative(root, demoRepositoryFolder)}
            : {state: "pending", detail: "not there"};
    },
    async run(report) {
        const tarball = path.join(downloads, `${name}-${version}.tgz`);
        await mkdir(downloads, {recursive: true});
        try {
            await runNpm(["pack", `${name}@${version}`, "--pack-destination", downloads, "--ignore-scripts"], {
                log: "demo-repo",
                report,
            });
        } catch (error) {
            throw fetchError(`The sources of ${name} ${version}`, error);
        }
        if (`sha512-${await hashFile(tarball, "sha512", "base64")}` !== integrity) {
            await rm(tarball, {force: true});
            throw new SetupError(`${name} ${version} from the registry is not the pinned one (its checksum differs).`, {
                fix: "Check which registry npm uses (`npm config get registry`).",
            });
        }
        const part = `${demoRepositoryFolder}.part`;
        await rm(part, {recursive: true, force: true});
        await mkdir(part, {recursive: true});
        // Relative paths: a tar that comes with Git for Windows takes "C:" for a host.
        const from = path.relative(part, tarball).replaceAll("\\", "/");
        await runCommand("tar", ["-xzf", from, "--strip-components=1", ...wanted], {
            log: "demo-repo",
            report,
            cwd: part,
        });
        await rm(demoRepositoryFolder, {recursive: true, force: true});
        await rename(part, demoRepositoryFolder);
        await rm(tarball, {force: true});
        await writeStamp("demo-repo", key, demoRepositoryFolder);
        return `${name} ${version} in ${path.relative(root, demoRepositoryFolder)}`;
    },
};
