/** What a link in an answer may do. Answers are untrusted text: a link opens the web, asked for, or a file here, and nothing else. */

export type Link = {kind: "web"; url: string; host: string} | {kind: "file"; path: string; line: number | undefined};

/** @returns undefined for what is not a link: other schemes, and what is not a path inside the workspace */
export function classifyLink(href: string): Link | undefined {
    // Characters that hide what is there: controls, bidirectional marks, white space.
    if (/[\p{Cc}\p{Cf}\s]/u.test(href)) return undefined;
    if (/^https?:\/\//i.test(href)) {
        try {
            const {protocol, host, href: url, username, password} = new URL(href);
            // "https://good.com@evil.com" looks like the one and opens the other.
            if ((protocol !== "http:" && protocol !== "https:") || username !== "" || password !== "") return undefined;
            return {kind: "web", url, host};
        } catch {
            return undefined;
        }
    }
    if (/^[a-z][a-z0-9+.-]*:/i.test(href) || href.startsWith("//") || href.startsWith("\\")) return undefined;
    const match = /^(?:\.\/)?([^#?]+)(?:#L(\d{1,7})(?:-L?\d+)?)?$/i.exec(decode(href));
    const path = match?.[1];
    if (path === undefined || path.startsWith("/") || path.split(/[\\/]/).includes("..")) return undefined;
    return {kind: "file", path, line: match?.[2] === undefined ? undefined : Math.max(1, Number(match[2]))};
}

/** Whether the words of a link name another host than the one it opens. */
export function isMisleading(text: string, link: Link): boolean {
    if (link.kind !== "web") return false;
    const named = /(?:https?:\/\/)?((?:[\p{L}\p{N}-]+\.)+[\p{L}]{2,})/iu.exec(text)?.[1];
    if (named === undefined) return false;
    const shown = named.toLowerCase();
    const host = link.host.replace(/:\d+$/, "").toLowerCase();
    return host !== shown && host !== `www.${shown}` && `www.${host}` !== shown;
}

function decode(href: string): string {
    try {
        const text = decodeURIComponent(href);
        return /\p{Cc}/u.test(text) ? "" : text;
    } catch {
        return href;
    }
}
