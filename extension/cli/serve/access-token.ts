/**
 * Owns the token of a server: where it comes from and whether a request carries it. Not a flag, since every user of a
 * machine sees the flags of all processes.
 */
import {createHash, randomBytes, timingSafeEqual} from "node:crypto";
import {readFileSync} from "node:fs";
import path from "node:path";
import {fileMissing, usage} from "../../protocol/errors.js";

export interface AccessToken {
    value: string;
    /** Made here, so nobody knows it yet: it has to be told once. */
    isNew: boolean;
}

/** Fewer characters can be guessed by a program of another user of the machine. */
const minCharacters = 16;

/**
 * `KVASIR_SERVE_TOKEN`, or the content of the file that `KVASIR_SERVE_TOKEN_FILE` names, or a new one of 32 random bytes.
 * @throws KvasirError `file-missing` for a file that cannot be read, `usage` for a token that is too short
 */
export function accessToken(env: NodeJS.ProcessEnv, root: string): AccessToken {
    const {KVASIR_SERVE_TOKEN: given, KVASIR_SERVE_TOKEN_FILE: file} = env;
    if (given !== undefined && given !== "") return {value: checked(given.trim()), isNew: false};
    if (file !== undefined && file !== "") return {value: checked(readToken(file, root)), isNew: false};
    return {value: `kvasir-${randomBytes(32).toString("base64url")}`, isNew: true};
}

function readToken(file: string, root: string): string {
    try {
        return readFileSync(path.resolve(root, file), "utf8").trim();
    } catch {
        throw fileMissing(file);
    }
}

function checked(token: string): string {
    if (token.length >= minCharacters && /^[\x21-\x7e]+$/.test(token)) return token;
    throw usage(
        `the server's token must have at least ${minCharacters} characters and no blanks.`,
        "Leave it away and one is made, or take the output of `openssl rand -hex 32`.",
    );
}

/** Whether an `Authorization` header carries the token. Takes as long for a wrong one as for a nearly right one. */
export function carriesToken(header: string | undefined, token: string): boolean {
    const given = /^Bearer +(\S+) *$/i.exec(header ?? "")?.[1];
    return given !== undefined && timingSafeEqual(digest(given), digest(token));
}

function digest(text: string): Buffer {
    return createHash("sha256").update(text).digest();
}
