/** Where set-up finds and puts things. Everything it fetches or builds lives in folders that git ignores. */
import path from "node:path";
import {fileURLToPath} from "node:url";

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
export const artefacts = path.join(root, ".kvasir");
export const downloads = path.join(artefacts, "downloads");
export const logs = path.join(artefacts, "logs");
export const stamps = path.join(artefacts, "stamps");
export const llamaHeaders = path.join(artefacts, "llama.cpp-headers");
export const models = path.join(artefacts, "models");
export const repositories = path.join(artefacts, "repos");

export const addonSource = path.join(root, "native-config/addon");
export const addonBuild = path.join(addonSource, "build");
export const addonFile = path.join(addonBuild, `kvasir-${process.platform}-${process.arch}.node`);
