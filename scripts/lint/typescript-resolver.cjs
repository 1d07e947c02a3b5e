/**
 * Tells the import rules which file an import means: relative imports end in .js and name a .ts file. In plain
 * JavaScript because the usual resolver's native binaries are not there for every platform.
 */
"use strict";
const {existsSync, statSync} = require("node:fs");
const {isBuiltin} = require("node:module");
const path = require("node:path");

exports.interfaceVersion = 2;

/**
 * @param {string} source what stands in the import
 * @param {string} file the importing file
 * @returns {{found: boolean, path?: string | null}} path null: part of Node
 */
exports.resolve = (source, file) => {
    if (isBuiltin(source)) return {found: true, path: null};
    if (!source.startsWith(".")) {
        const name = source
            .split("/")
            .slice(0, source.startsWith("@") ? 2 : 1)
            .join("/");
        return {found: true, path: path.join(__dirname, "../../node_modules", name, "package.json")};
    }
    const target = path.resolve(path.dirname(file), source);
    const candidates = [target.replace(/\.([cm]?)js$/, ".$1ts"), target];
    const found = candidates.find((candidate) => existsSync(candidate) && statSync(candidate).isFile());
    return found === undefined ? {found: false} : {found: true, path: found};
};
