/**
 * A restart with many files on disk: the first answer over them reads nothing again, and loading them costs a small part
 * of what reading them had cost, both measured in this run.
 */
import {mkdtemp, rm} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {createEngine} from "../../extension/engine/engine.js";
import {type Scenario, must, rounded} from "./scenario.js";
import {askAbout, smallSettings, someFiles, workspace} from "./small-engine.js";

export const restart: Scenario = {
    name: "restart",
    defaultN: 200,
    async run({n, say}) {
        const home = await mkdtemp(join(tmpdir(), "kv-r-"));
        try {
            const files = someFiles(n, 8);
            const paths = files.map(({path}) => path);
            const settings = smallSettings(join(home, "cache"), {attendedTokens: 1_000_000, kvMib: 2048});
            const first = await createEngine(settings);
            await first.updateWorkspace({workspace, upsert: files});
            await first.load();
            const read = await first.read({workspace, paths}, ({filesDone, tokensDone}) => {
                if (filesDone % 50 === 0 && filesDone > 0) say(`read ${filesDone} files, ${tokensDone} tokens`);
            });
            must(
                read.files.every(({source}) => source === "read"),
                "not every file was read the first time",
            );
            const readMs = read.totals.ms;
            await first.dispose();

            const second = await createEngine(settings);
            await second.updateWorkspace({workspace, upsert: files});
            await second.load();
            const loaded = await second.read({workspace, paths});
            must(
                loaded.files.every(({source}) => source === "disk"),
                "not every file came from disk",
            );
            const loadMs = loaded.totals.ms;
            const mib = loaded.totals.bytes / 2 ** 20;
            await second.dispose();

            // What a person sees: a restarted engine is asked at once.
            const third = await createEngine(settings);
            await third.updateWorkspace({workspace, upsert: files});
            await third.load();
            const answer = await third.ask(askAbout(paths, "first"), {});
            must(answer.readTokens === 0, `the first answer read ${answer.readTokens} tokens`);
            const unread = answer.leftOut.filter(({why}) => why === "not read yet");
            must(unread.length === 0, `the first answer missed ${unread.length} files`);
            must(answer.attended.length >= Math.min(n, 24), `the first answer saw ${answer.attended.length} files`);
            await third.dispose();
            return {
                files: n,
                tokens: read.totals.tokens,
                keptMib: rounded(mib),
                readMs: Math.round(readMs),
                loadMs: Math.round(loadMs),
                ratio: rounded(readMs / loadMs),
                firstAnswerReadTokens: answer.readTokens,
                firstAnswerFiles: answer.attended.length,
                firstAnswerReusedTokens: answer.reusedTokens,
                firstTokenMs: Math.round(answer.ttftMs),
            };
        } finally {
            await rm(home, {recursive: true, force: true});
        }
    },
};
