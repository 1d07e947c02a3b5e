/** Owns how numbers are written for people: bytes, counts, shares, times. */
import {t} from "../shared/l10n.js";

const counts = new Intl.NumberFormat("en");

/** 12345 as "12,345". */
export function formatCount(value: number): string {
    return counts.format(Math.round(value));
}

/** Binary units with three digits at most: "0 B", "980 B", "1.5 KiB", "11.2 GiB". */
export function formatBytes(bytes: number): string {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let value = Math.max(0, bytes);
    let unit = 0;
    // 1023.96 KiB would be written as 1024.0.
    while (value >= 1023.95 && unit < units.length - 1) {
        value /= 1024;
        unit++;
    }
    const digits = unit === 0 || value >= 99.95 ? 0 : 1;
    return `${value.toFixed(digits)} ${units[unit]}`;
}

/** A share in [0, 1] as whole percent; what is not nothing is never written as 0 %. */
export function formatShare(share: number): string {
    if (share > 0 && share < 0.01) return "< 1 %";
    return `${Math.round(share * 100)} %`;
}

/** How long ago, in the largest whole unit. */
export function formatAgo(thenMs: number | undefined, nowMs: number): string {
    if (thenMs === undefined) return t("never");
    const seconds = Math.max(0, Math.round((nowMs - thenMs) / 1000));
    if (seconds < 60) return t("just now");
    const minutes = Math.floor(seconds / 60);
    if (minutes < 60) return minutes === 1 ? t("1 minute ago") : t("{0} minutes ago", minutes);
    const hours = Math.floor(minutes / 60);
    if (hours < 24) return hours === 1 ? t("1 hour ago") : t("{0} hours ago", hours);
    const days = Math.floor(hours / 24);
    return days === 1 ? t("1 day ago") : t("{0} days ago", days);
}

/** A span for people: "0.4 s", "12 s", "3 min", "2 h". */
export function formatSeconds(seconds: number): string {
    if (seconds < 9.95) return `${Math.max(0, seconds).toFixed(1)} s`;
    if (seconds < 90) return `${Math.round(seconds)} s`;
    if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
    return `${Math.round(seconds / 3600)} h`;
}

/** "1 file", "2 files". */
export function formatFiles(n: number): string {
    return n === 1 ? t("1 file") : t("{0} files", formatCount(n));
}
