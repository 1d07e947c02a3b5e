/** What a person may name a model by: an id of the catalogue, a `hf:` address, a URL, a file. Pure. */
import type {CatalogueEntry} from "../../protocol/models.js";

export type ModelName =
    | {kind: "catalogue"; entry: CatalogueEntry}
    /** `url`: of the file itself, when the address names one; a `hf:USER/REPOSITORY:QUANT` is asked for. */
    | {kind: "remote"; uri: string; url?: string; file?: string}
    | {kind: "file"; path: string};

/** Where `hf:` addresses lead. */
export const huggingFace = "https://huggingface.co/";

/**
 * @param endpoint ends with "/"
 * @returns undefined when it is none of these: "" or an address that names nothing
 */
export function parseModelName(
    text: string,
    models: readonly CatalogueEntry[],
    endpoint = huggingFace,
): ModelName | undefined {
    const name = text.trim();
    if (name === "") return undefined;
    const entry = models.find(({id}) => id === name.toLowerCase());
    if (entry !== undefined) return {kind: "catalogue", entry};
    const hf = /^(?:hf:(?:\/\/)?|huggingface:(?:\/\/)?|hf\.co\/|(?:https?:\/\/)?huggingface\.co\/)(.*)$/i.exec(
        name,
    )?.[1];
    if (hf !== undefined) return huggingFaceFile(hf, endpoint);
    if (/^https?:\/\//i.test(name)) {
        const url = parseUrl(name);
        if (url === undefined || url.username !== "" || url.password !== "") return undefined;
        return {kind: "remote", uri: url.href, url: url.href, ...fileOf(url)};
    }
    return /^[a-z][a-z0-9+.-]+:/i.test(name) && !/^[a-z]:[\\/]/i.test(name) ? undefined : {kind: "file", path: name};
}

function huggingFaceFile(address: string, endpoint: string): ModelName | undefined {
    const match = /^([^/\s:]+)\/([^/\s:]+)(?::([^/\s]+)|\/(.+))?$/.exec(address.replace(/\?.*$/, ""));
    if (match === null) return undefined;
    const [, user = "", repository = "", quant, rest] = match;
    if (rest === undefined) {
        return {kind: "remote", uri: `hf:${user}/${repository}${quant === undefined ? "" : `:${quant}`}`};
    }
    // As a browser shows it: .../resolve/BRANCH/FILE or .../blob/BRANCH/FILE. As we write it: FILE#BRANCH.
    const page = /^(?:resolve|blob)\/([^/]+)\/(.+)$/.exec(rest);
    const [file = "", hash] = page === null ? rest.split("#") : [page[2] ?? "", page[1]];
    if (!/\.gguf$/i.test(file)) return undefined;
    const branch = hash === undefined || hash === "" ? "main" : hash;
    const encoded = file.split("/").map(encodeURIComponent).join("/");
    return {
        kind: "remote",
        uri: `hf:${user}/${repository}/${file}${branch === "main" ? "" : `#${branch}`}`,
        url: `${endpoint}${encodeURIComponent(user)}/${encodeURIComponent(repository)}/resolve/${encodeURIComponent(branch)}/${encoded}`,
        file: file.slice(file.lastIndexOf("/") + 1),
    };
}

function fileOf(url: URL): {file?: string} {
    const last = decoded(url.pathname.slice(url.pathname.lastIndexOf("/") + 1));
    return /^[^/\\]+\.gguf$/i.test(last) ? {file: last} : {};
}

function decoded(text: string): string {
    try {
        return decodeURIComponent(text);
    } catch {
        return text;
    }
}

function parseUrl(text: string): URL | undefined {
    try {
        return new URL(text);
    } catch {
        return undefined;
    }
}
