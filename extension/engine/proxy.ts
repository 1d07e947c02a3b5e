/**
 * Owns the way out behind a proxy: every fetch of this process, those of libraries too, goes as HTTPS_PROXY, HTTP_PROXY and
 * NO_PROXY say. This machine itself is never asked through one: a key may travel there in clear.
 */
import {usage} from "../protocol/errors.js";

const names = ["https_proxy", "http_proxy", "no_proxy"] as const;
const thisMachine = ["localhost", "127.0.0.1", "[::1]"];

export function isThisMachine(hostname: string): boolean {
    return thisMachine.includes(hostname.toLowerCase());
}

let current = "";

/** Called before anything is fetched; does nothing when nothing has changed. @throws KvasirError `usage` */
export async function useProxy(env: NodeJS.ProcessEnv = process.env): Promise<void> {
    const [httpsProxy, httpProxy, noProxy] = names.map((name) => env[name] ?? env[name.toUpperCase()] ?? "");
    const wanted = httpsProxy === "" && httpProxy === "" ? "" : JSON.stringify([httpsProxy, httpProxy, noProxy]);
    if (wanted === current) return;
    // Most machines have none, and load none of it.
    const {Agent, EnvHttpProxyAgent, setGlobalDispatcher} = await import("undici");
    if (wanted === "") setGlobalDispatcher(new Agent());
    else {
        try {
            setGlobalDispatcher(
                new EnvHttpProxyAgent({
                    ...{httpsProxy, httpProxy},
                    noProxy: noProxy?.trim() === "*" ? "*" : [noProxy, ...thisMachine].join(","),
                }),
            );
        } catch (error) {
            // An address may hold a password.
            if (!(error instanceof TypeError || (error as {code?: unknown}).code === "UND_ERR_INVALID_ARG"))
                throw error;
            throw usage(
                "HTTPS_PROXY or HTTP_PROXY is not the address of a proxy.",
                "It has the form http://host:port.",
            );
        }
    }
    current = wanted;
}

/** What a proxy says that does not let anything through. @returns its status */
export function proxyRefusal(error: unknown): number | undefined {
    for (let at = error; at instanceof Error; at = at.cause) {
        const [, status] = /^Proxy response \((\d+)\)/.exec(at.message) ?? [];
        if (status !== undefined) return Number(status);
    }
    return undefined;
}
