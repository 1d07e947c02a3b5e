/**
 * Bundles what runs: the extension host, the engine process, the command line and the webviews. An entry that does not
 * exist yet is left out. `node esbuild.mjs [--watch] [--production] [name...]`
 */
import {existsSync} from "node:fs";
import {mkdir, rename, rm, writeFile} from "node:fs/promises";
import path from "node:path";
import {fileURLToPath} from "node:url";
import esbuild from "esbuild";

const root = path.dirname(fileURLToPath(import.meta.url));

/** Bundled CommonJS packages call require(), which an ES module does not have. */
const requireBanner = {
    js: 'import {createRequire as __createRequire} from "node:module"; const require = __createRequire(import.meta.url);',
};
/**
 * A package's ES modules first: an UMD file asks for its parts in ways that no bundler sees.
 * @type {{platform: "node", target: string, mainFields: string[]}}
 */
export const nodeBundle = {platform: "node", target: "node20", mainFields: ["module", "main"]};
const browser = /** @type {const} */ ({platform: "browser", target: "es2022", format: "esm"});

/** @type {Readonly<Record<string, esbuild.BuildOptions & {entry: string, outfile: string}>>} */
const bundles = {
    // node-llama-cpp finds its binaries beside its own files, so it is never bundled.
    cli: {
        entry: "extension/cli/main.ts",
        outfile: "dist/cli.mjs",
        ...nodeBundle,
        format: "esm",
        external: ["node-llama-cpp"],
        banner: requireBanner,
    },
    engine: {
        entry: "extension/engine/process/main.ts",
        outfile: "dist/engine.mjs",
        ...nodeBundle,
        format: "esm",
        external: ["node-llama-cpp"],
        banner: requireBanner,
    },
    // VS Code gives `vscode` to CommonJS modules only in the versions we support. What the first use of a part imports
    // lies in files of its own: a window would otherwise compile all of it to show nothing of it.
    extension: {
        entry: "extension/host/extension.ts",
        outfile: "dist/extension.cjs",
        ...nodeBundle,
        format: "cjs",
        external: ["vscode"],
    },
    chat: {entry: "webview/chat/main.ts", outfile: "dist/webview/chat.js", ...browser},
    "cache-view": {entry: "webview/cache-view/main.ts", outfile: "dist/webview/cache-view.js", ...browser},
};

/**
 * Bundles the named entries (all when none is named) and answers the files written.
 * @param {{names?: readonly string[], isProduction?: boolean}} [options]
 */
export async function build({names = Object.keys(bundles), isProduction = false} = {}) {
    const written = [];
    for (const name of names) {
        const options = optionsOf(name, isProduction);
        if (options === undefined) continue;
        const startedMs = Date.now();
        const {outputFiles, metafile} =
            name === "extension"
                ? await buildInParts(options)
                : await esbuild.build({...options, write: false, metafile: true});
        // Moved into place, so that a command started meanwhile never loads half a bundle.
        for (const {path: file, contents} of outputFiles) {
            await mkdir(path.dirname(file), {recursive: true});
            await writeFile(`${file}.${process.pid}.part`, contents);
            await rename(`${file}.${process.pid}.part`, file);
            if (!file.endsWith(".map")) written.push(path.relative(root, file));
        }
        // What went in and when it was read, for those who ask whether the bundle is still current.
        const inputs = Object.keys(metafile.inputs);
        await writeFile(`${path.join(root, options.outfile)}.inputs.json`, JSON.stringify({startedMs, inputs}));
    }
    return written;
}

/**
 * Splits at dynamic imports, which esbuild does for ES modules only, and makes CommonJS of each part. What lies outside is
 * required as it is: esbuild would copy VS Code's several hundred names once for every file that imports them, which
 * was most of an activation.
 * @param {esbuild.BuildOptions & {outfile: string}} options
 */
async function buildInParts({outfile, entryPoints, ...options}) {
    const folder = path.dirname(outfile);
    const {outputFiles, metafile} = await esbuild.build({
        ...options,
        entryPoints: {[path.basename(outfile, ".cjs")]: /** @type {string[]} */ (entryPoints)[0] ?? ""},
        outdir: folder,
        outExtension: {".js": ".cjs"},
        chunkNames: "extension/[name]-[hash]",
        splitting: true,
        format: "esm",
        // In the second step: minified names would not be found there.
        minify: false,
        sourcemap: "inline",
        write: false,
        metafile: true,
    });
    const parts = await Promise.all(
        outputFiles.map(async ({path: file, text}) => {
            const {code, map} = await esbuild.transform(withRequire(text), {
                format: "cjs",
                platform: "node",
                target: nodeBundle.target,
                supported: {"dynamic-import": false},
                minify: options.minify ?? false,
                sourcemap: "external",
                sourcefile: path.basename(file),
            });
            const link = `//# sourceMappingURL=${path.basename(file)}.map\n`;
            return [
                {path: file, contents: Buffer.from(code + link)},
                {path: `${file}.map`, contents: Buffer.from(map)},
            ];
        }),
    );
    return {outputFiles: parts.flat(), metafile};
}

/**
 * Namespaces of what is outside as plain variables; on the same lines, so that the source map holds.
 * @param {string} text as esbuild prints it
 */
function withRequire(text) {
    return text.replace(/^import \* as (\S+) from ("(?:vscode|node:[\w/]+)");$/gm, "const $1 = require($2);");
}

/**
 * @param {string} name
 * @param {boolean} isProduction
 * @returns {(esbuild.BuildOptions & {outfile: string}) | undefined} undefined when the entry does not exist yet
 */
function optionsOf(name, isProduction) {
    const bundle = bundles[name];
    if (bundle === undefined) throw new Error(`There is no bundle "${name}": ${Object.keys(bundles).join(", ")}.`);
    const {entry, ...options} = bundle;
    if (!existsSync(path.join(root, entry))) return undefined;
    return {
        ...options,
        entryPoints: [entry],
        absWorkingDir: root,
        bundle: true,
        sourcemap: true,
        minify: isProduction,
        // Error names and the names of handlers appear in logs.
        keepNames: true,
        logLevel: "warning",
    };
}

/** @param {readonly string[]} names */
async function watch(names) {
    for (const name of names) {
        const options = optionsOf(name, false);
        if (options === undefined) continue;
        const context = await esbuild.context({...options, logLevel: "info"});
        await context.watch();
    }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    const flags = process.argv.slice(2).filter((argument) => argument.startsWith("--"));
    const named = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
    const names = named.length > 0 ? named : Object.keys(bundles);
    if (flags.includes("--watch")) await watch(names);
    else {
        if (named.length === 0) await rm(path.join(root, "dist"), {recursive: true, force: true});
        const written = await build({names, isProduction: flags.includes("--production")});
        process.stdout.write(written.length === 0 ? "There is nothing to bundle yet.\n" : `${written.join("\n")}\n`);
    }
}
