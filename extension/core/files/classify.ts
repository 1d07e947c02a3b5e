/**
 * Owns the decision whether a file is text that Kvasir reads, in two steps: from its name and size before
 * it is opened, from its bytes after. Must not touch the disk: the caller brings the facts.
 */
import {hasGeneratedMark, isGeneratedPath, isMinifiedPath, isMinifiedText} from "./generated.js";
import {extensionOf} from "./paths.js";
import {hasSecret, isSecretPath} from "./secrets.js";
import type {SkipReason} from "./skip-reason.js";

export interface FileLimits {
    /** Files larger than this are `huge`. */
    maxFileBytes: number;
}

export const defaultFileLimits: FileLimits = {maxFileBytes: 1024 * 1024};

// Known not to be text, so that a scan need not open them. What is not listed is recognised by its bytes.
const binaryExtensions = new Set(
    (
        "png jpg jpeg gif bmp ico icns webp avif tif tiff heic psd ai sketch fig xcf " +
        "mp3 mp4 m4a m4v mov avi mkv webm ogg oga ogv wav flac aac opus mid " +
        "zip gz tgz bz2 xz zst 7z rar tar jar war ear apk ipa deb rpm dmg iso img vsix whl egg nupkg crx xpi " +
        "exe dll so dylib a o obj lib pdb class pyc pyo pyd node wasm bin elc beam " +
        "woff woff2 ttf otf eot pdf doc docx xls xlsx ppt pptx odt ods odp epub " +
        "sqlite sqlite3 db mdb parquet feather arrow npy npz pkl pickle h5 hdf5 pt pth onnx safetensors gguf ggml tflite " +
        "blend fbx glb stl 3ds unitypackage uasset swf"
    ).split(" "),
);

export interface FileFacts {
    sizeBytes: number;
    isSymbolicLink?: boolean;
}

/**
 * The first step: what a name and a size tell.
 * @param path POSIX path, workspace-relative where the file lies inside the workspace
 * @returns undefined when the file must be opened to know more
 */
export function classifyPath(
    path: string,
    facts: FileFacts,
    limits: FileLimits = defaultFileLimits,
): SkipReason | undefined {
    if (facts.isSymbolicLink) return "symlink";
    if (isSecretPath(path)) return "secret";
    if (facts.sizeBytes === 0) return "empty";
    if (binaryExtensions.has(extensionOf(path))) return "binary";
    if (isGeneratedPath(path)) return "generated";
    if (isMinifiedPath(path)) return "minified";
    if (facts.sizeBytes > limits.maxFileBytes) return "huge";
    return undefined;
}

/** Readable text (without a byte order mark, line ends as they are), or why not. */
export type Classified = {text: string; reason?: undefined} | {text?: undefined; reason: SkipReason};

/** The second step: what the whole content tells. Includes the first step, so it can stand alone. */
export function classifyBytes(path: string, bytes: Uint8Array, limits: FileLimits = defaultFileLimits): Classified {
    const byPath = classifyPath(path, {sizeBytes: bytes.length}, limits);
    if (byPath !== undefined) return {reason: byPath};
    if (isBinary(bytes)) return {reason: "binary"};
    const text = decodeUtf8(bytes);
    if (text === undefined) return {reason: "not-utf8"};
    return classifyText(path, text);
}

/** The part of the second step that needs only text: also for an editor's unsaved buffer. */
export function classifyText(path: string, text: string): Classified {
    if (text.trim() === "") return {reason: "empty"};
    if (isSecretPath(path) || hasSecret(text)) return {reason: "secret"};
    if (hasGeneratedMark(path, text)) return {reason: "generated"};
    if (isMinifiedText(path, text)) return {reason: "minified"};
    return {text};
}

/** How far git looks for a NUL byte (buffer_is_binary in git's xdiff-interface.c). */
const nSniffBytes = 8000;

/** git's rule, a NUL byte near the start, except in UTF-16 and UTF-32 text, which begins with its byte order mark; and PDF, which often has no NUL there. */
function isBinary(bytes: Uint8Array): boolean {
    const isWideText = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
    if (isWideText) return false;
    if (bytes[0] === 0x25 && bytes[1] === 0x50 && bytes[2] === 0x44 && bytes[3] === 0x46) return true;
    const nul = bytes.indexOf(0);
    return nul !== -1 && nul < nSniffBytes;
}

/** Strict: one wrong byte, and the file is not UTF-8. A byte order mark is dropped; a NUL further down is left to the caller's tokenizer. */
function decodeUtf8(bytes: Uint8Array): string | undefined {
    try {
        return new TextDecoder("utf-8", {fatal: true}).decode(bytes);
    } catch {
        return undefined;
    }
}
