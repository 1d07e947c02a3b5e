/**
 * Owns the key of a remote engine's server: in the system's keychain and nowhere else, and bound to the server that it was
 * given for, so that another address in the settings is never sent it.
 */
import type {EngineSettings} from "../protocol/engine.js";
import type {Secrets} from "./store-key.js";

/** Scheme, host and port: a key for `https://a/v1` is one for all of `https://a`. Undefined for what is no address. */
export function serverKeyName(baseUrl: string): string | undefined {
    return URL.canParse(baseUrl) ? `kvasir.serverKey ${new URL(baseUrl).origin}` : undefined;
}

/** The settings with the key of their server, when there is one. */
export async function withServerKey(settings: EngineSettings, secrets: Secrets): Promise<EngineSettings> {
    const {remote} = settings;
    const name = remote && serverKeyName(remote.baseUrl);
    const apiKey = name === undefined ? undefined : await secrets.get(name);
    return remote === undefined || apiKey === undefined ? settings : {...settings, remote: {...remote, apiKey}};
}
