/**
 * Downloads onto a small tmpfs mounted over FOLDER: `full-disk-download FOLDER`. Needs mounts of its own. Prints one JSON
 * line with what happened: once with too little room from the start, once with room that another takes meanwhile.
 */
import {execFileSync} from "node:child_process";
import {readdirSync, rmSync, statfsSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {downloadModel} from "../../../../extension/engine/models/download.js";
import {toKvasirError} from "../../../../extension/protocol/errors.js";
import {DownloadServer} from "../download-server.js";
import {madeUpGguf} from "../made-up-gguf.js";

const folder = process.argv[2]!;
execFileSync("mount", ["-t", "tmpfs", "-o", "size=100m", "tmpfs", folder]);
const server = await DownloadServer.start(madeUpGguf({nElements: 8_000_000}));
const url = `${server.origin}/model.gguf`;
const filler = join(folder, "filler");
const fill = (leaveBytes: number) => {
    const {bavail, bsize} = statfsSync(folder);
    writeFileSync(filler, Buffer.alloc(bavail * bsize - leaveBytes));
};
const get = (onBytes?: (bytes: number) => void) =>
    downloadModel(
        {uri: url, url, file: "model.gguf", folder},
        {signal: new AbortController().signal, onProgress: ({bytes}) => onBytes?.(bytes)},
    ).then(
        () => "done",
        (error: unknown) => toKvasirError(error).code,
    );

fill(20_000_000);
const before = await get();
const asked = server.asked.length;
rmSync(filler);
let isFilled = false;
const during = await get((bytes) => {
    if (bytes === 0 || isFilled) return;
    isFilled = true;
    fill(100_000);
});
rmSync(filler, {force: true});
const left = readdirSync(folder, {recursive: true, encoding: "utf8"}).filter((name) => name !== ".unfinished");
process.stdout.write(JSON.stringify({before, asked, during, left}) + "\n");
process.exit();
