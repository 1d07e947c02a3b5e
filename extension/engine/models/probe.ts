/**
 * Asks a server about a file before any of it is fetched: is it there, may we have it, how large is it, which checksum
 * should it have. Nothing of the file is transferred.
 */
import {downloadFailed, downloadForbidden, downloadWrong} from "../../protocol/errors.js";
import {proxyRefusal} from "../proxy.js";

export interface Probe {
    bytes: number | undefined;
    /** Hexadecimal; Hugging Face tells it of every large file. */
    sha256: string | undefined;
}

const maxRedirects = 5;
/** Servers that know no HEAD; the download itself will tell. */
const noHead = new Set([405, 501]);

/**
 * @param timeoutMs for the answer
 * @throws KvasirError `download-failed`, `download-forbidden`, `download-wrong` (a web page instead of a file); the signal's reason
 */
export async function probe(
    url: string,
    {timeoutMs, token, signal}: {timeoutMs: number; token?: string | undefined; signal: AbortSignal},
): Promise<Probe> {
    const what = nameOf(url);
    let found: Probe = {bytes: undefined, sha256: undefined};
    let place = new URL(url);
    for (let n = 0; n <= maxRedirects; n++) {
        // A key is for the server that was named, not for those it leads to.
        const isFirst = place.host === new URL(url).host;
        const headers = {
            "Accept-Encoding": "identity",
            ...(token !== undefined && isFirst ? {Authorization: `Bearer ${token}`} : {}),
        };
        const response = await ask(place, headers, what, timeoutMs, signal);
        found = {
            bytes: found.bytes ?? linkedBytes(response.headers),
            sha256: found.sha256 ?? linkedHash(response.headers),
        };
        const {status} = response;
        const next = response.headers.get("location");
        if (status >= 300 && status < 400 && next !== null) {
            place = new URL(next, place);
            continue;
        }
        if (noHead.has(status)) return found;
        if (status === 401 || status === 403) throw downloadForbidden(what, status);
        if (status < 200 || status >= 300) throw downloadFailed(what, statusReason(status));
        if (/^text\/html/i.test(response.headers.get("content-type") ?? ""))
            throw downloadWrong(what, "the server answers with a web page, as a proxy or a sign-in does");
        const length = Number(response.headers.get("content-length") ?? Number.NaN);
        return {...found, bytes: found.bytes ?? (length > 0 ? length : undefined)};
    }
    throw downloadFailed(what, "the server sends from one address to the next without end");
}

async function ask(
    url: URL,
    headers: Record<string, string>,
    what: string,
    timeoutMs: number,
    signal: AbortSignal,
): Promise<Response> {
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
        return await fetch(url, {
            method: "HEAD",
            redirect: "manual",
            headers,
            signal: AbortSignal.any([signal, timeout]),
        });
    } catch (error) {
        signal.throwIfAborted();
        throw downloadFailed(what, timeout.aborted ? "the server does not answer" : networkReason(error), error);
    }
}

export function statusReason(status: number): string {
    if (status === 404 || status === 410) return "there is no such file";
    if (status === 429) return "the server asks to come back later (HTTP 429)";
    return status >= 500 ? `the server is in trouble (HTTP ${status})` : `the server answers with HTTP ${status}`;
}

/** fetch() says "fetch failed" and keeps the reason in its cause. */
export function networkReason(error: unknown): string {
    const refusal = proxyRefusal(error);
    if (refusal !== undefined) return `the proxy lets nothing through (HTTP ${refusal})`;
    const {cause} = error as {cause?: {code?: unknown}};
    const code = typeof cause?.code === "string" ? cause.code : undefined;
    if (code === "ENOTFOUND" || code === "EAI_AGAIN") return "the server's name is not known; is there a network?";
    if (code === "ECONNREFUSED") return "the server refuses the connection";
    if (code !== undefined && /CERT|SELF_SIGNED|TLS|SSL/.test(code))
        return `the server's certificate is not trusted (${code}); a proxy may need NODE_EXTRA_CA_CERTS`;
    return code === undefined ? "the connection was cut" : `the connection was cut (${code})`;
}

/** The last part of the path: addresses may hold keys behind it. */
export function nameOf(url: string): string {
    const {pathname, host} = new URL(url);
    return decodeURIComponent(pathname.slice(pathname.lastIndexOf("/") + 1)) || host;
}

function linkedBytes(headers: Headers): number | undefined {
    const bytes = Number(headers.get("x-linked-size") ?? Number.NaN);
    return bytes > 0 ? bytes : undefined;
}

function linkedHash(headers: Headers): string | undefined {
    return /^"?([0-9a-f]{64})"?$/.exec(headers.get("x-linked-etag") ?? "")?.[1];
}
