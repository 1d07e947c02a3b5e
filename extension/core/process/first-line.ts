/**
 * Owns the reading of the one line that each side of a connection says before any JSON-RPC. Must not know what is in it,
 * nor sockets: whatever can be read from and put back to will do.
 */

/** The part of a socket that this needs. */
export interface LineSource {
    read(): Uint8Array | null;
    unshift(bytes: Uint8Array): void;
    on(event: "readable" | "close" | "error", listener: () => void): unknown;
    off(event: "readable" | "close" | "error", listener: () => void): unknown;
}

const newline = 10;

/**
 * The text before the first newline; bytes behind it are put back.
 * @returns undefined when the source ended, said nothing until `deadline` fired, or sent more than `maxBytes` without a newline
 */
export function readFirstLine(
    source: LineSource,
    {maxBytes, deadline}: {maxBytes: number; deadline: AbortSignal},
): Promise<string | undefined> {
    return new Promise((resolve) => {
        let bytes: Uint8Array = new Uint8Array(0);
        const end = (line: string | undefined) => {
            deadline.removeEventListener("abort", onClose);
            source.off("readable", onReadable);
            source.off("close", onClose);
            source.off("error", onClose);
            resolve(line);
        };
        const onClose = () => end(undefined);
        const onReadable = () => {
            for (let chunk = source.read(); chunk !== null; chunk = source.read()) {
                const joined = new Uint8Array(bytes.length + chunk.length);
                joined.set(bytes);
                joined.set(chunk, bytes.length);
                bytes = joined;
                const at = bytes.indexOf(newline);
                if (at === -1 && bytes.length <= maxBytes) continue;
                if (at === -1 || at > maxBytes) return end(undefined);
                if (at + 1 < bytes.length) source.unshift(bytes.subarray(at + 1));
                return end(new TextDecoder().decode(bytes.subarray(0, at)));
            }
        };
        deadline.addEventListener("abort", onClose);
        source.on("readable", onReadable);
        source.on("close", onClose);
        source.on("error", onClose);
    });
}
