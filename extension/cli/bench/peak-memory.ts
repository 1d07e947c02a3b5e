/** The most memory that a process has held, as the system counts it. Linux only: the others keep no such figure to read. */
import {readFileSync} from "node:fs";
import {KvasirError} from "../../protocol/errors.js";

/** @throws KvasirError `internal` where the system does not tell */
export function peakBytesOf(pid: number): number {
    let status: string;
    try {
        status = readFileSync(`/proc/${pid}/status`, "utf8");
    } catch {
        throw new KvasirError("internal", "this system does not tell the peak memory of a process.");
    }
    return parsePeakBytes(status);
}

/** `VmHWM` of a `/proc/PID/status`, in bytes; 0 for a process that has just ended. */
export function parsePeakBytes(status: string): number {
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}
