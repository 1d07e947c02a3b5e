/**
 * Owns where a user's engine process is found: one private folder per user, the same for every window and program. Must
 * not know the disk: the caller makes and checks the folder.
 */

/** What the place depends on. */
export interface FolderFacts {
    platform: string;
    env: Readonly<Record<string, string | undefined>>;
    /** Undefined on Windows. */
    uid: number | undefined;
    /** The system's folder for temporary files, and the user's home. */
    temporary: string;
    home: string;
}

/** Unix sockets have at most 104 (macOS) to 108 bytes of path; ours adds a name of 17. */
const maxFolderBytes = 85;

/**
 * The folder, absolute. `KVASIR_RUNTIME_DIR` overrides it (tests and people who run several engines).
 * A runtime folder of the session is private and goes with it; without one, or where it is too long for a socket, the
 * temporary folder takes its place, with the user's id in the name.
 */
export function engineFolder({platform, env, uid, temporary, home}: FolderFacts): string {
    const own = env["KVASIR_RUNTIME_DIR"];
    if (own !== undefined && own !== "") return own;
    if (platform === "win32") return `${env["LOCALAPPDATA"] ?? home}\\kvasir\\run`;
    const name = `kvasir-${uid ?? "user"}`;
    const session = env["XDG_RUNTIME_DIR"];
    const candidates = [
        ...(session === undefined || session === "" ? [] : [`${withoutSlash(session)}/kvasir`]),
        `${withoutSlash(temporary)}/${name}`,
    ];
    return candidates.find((folder) => byteLength(folder) <= maxFolderBytes) ?? `/tmp/${name}`;
}

/** Bytes of a text in UTF-8, without Node. */
function byteLength(text: string): number {
    return new TextEncoder().encode(text).length;
}

function withoutSlash(folder: string): string {
    return folder.replace(/\/+$/, "");
}
