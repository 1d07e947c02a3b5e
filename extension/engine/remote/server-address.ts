/** Owns where a remote engine's server is and whether the key may travel there. A key goes by TLS or stays on the machine. */
import type {RemoteServer} from "../../protocol/engine.js";
import {serverAddress} from "../../protocol/errors.js";
import {isThisMachine} from "../proxy.js";

export interface ServerAddress {
    /** Without a slash at the end: `https://host/v1`. */
    base: string;
    /** Of the server's own routes beside the API: `https://host`. */
    root: string;
    /** For people: host and port. */
    host: string;
}

/** @throws KvasirError `server-address` */
export function addressOf({baseUrl, apiKey}: Pick<RemoteServer, "baseUrl" | "apiKey">): ServerAddress {
    let url: URL;
    try {
        url = new URL(baseUrl);
    } catch {
        throw serverAddress("it is not a URL");
    }
    if (url.protocol !== "https:" && url.protocol !== "http:")
        throw serverAddress("it must begin with https:// or http://");
    // A name and a password in a URL end up in logs.
    if (url.username !== "" || url.password !== "")
        throw serverAddress("it holds a name or password; a key is set apart");
    if (url.search !== "" || url.hash !== "") throw serverAddress("it must end with the API's path, such as /v1");
    if (apiKey !== undefined && url.protocol === "http:" && !isThisMachine(url.hostname))
        throw serverAddress("a key is not sent without TLS");
    const base = url.href.replace(/\/+$/, "");
    return {base, root: base.replace(/\/v\d+$/, ""), host: url.host};
}
