/** How numbers are written for people: bytes, tokens, times, shares. Pure. */

/** `512 B`, `3.4 KiB`, `12.0 MiB`, `1.2 GiB`. */
export function formatBytes(bytes: number): string {
    if (bytes < 1024) return `${Math.round(bytes)} B`;
    const units = ["KiB", "MiB", "GiB", "TiB"];
    let value = bytes / 1024;
    let unit = 0;
    // 1023.95 and more would be written as 1024.0 of the smaller unit.
    while (value >= 1023.95 && unit < units.length - 1) {
        value /= 1024;
        unit++;
    }
    return `${value.toFixed(1)} ${units[unit]}`;
}

/** `950`, `4.3k`, `1.2M`. */
export function formatCount(count: number): string {
    if (count < 1000) return String(Math.round(count));
    return count < 999_950 ? `${(count / 1000).toFixed(1)}k` : `${(count / 1e6).toFixed(1)}M`;
}

/** `0.4 ms`, `840 ms`, `3.2 s`, `2 min 05 s`. */
export function formatMs(ms: number): string {
    if (ms < 9.95) return `${ms.toFixed(1)} ms`;
    if (ms < 999.5) return `${Math.round(ms)} ms`;
    if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
    const seconds = Math.round(ms / 1000);
    return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`;
}

/** `25 %`, `6.3 %`; `-` when there is nothing to be a share of. */
export function formatShare(part: number, whole: number): string {
    if (whole === 0) return "-";
    const percent = (100 * part) / whole;
    return `${percent < 9.95 && percent > 0 ? percent.toFixed(1) : Math.round(percent)} %`;
}

/** `1 file`, `3 files`. */
export function formatNumberOf(count: number, noun: string): string {
    return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}
