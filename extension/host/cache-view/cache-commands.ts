/** Owns the names of the cache view's commands. Loaded with the extension, so it imports nothing of the view. */
import type {CommandId} from "../commands/command-ids.js";

export const cacheCommandIds = [
    "kvasir.cache.open",
    "kvasir.cache.openInEditor",
    "kvasir.cache.pin",
    "kvasir.cache.unpin",
    "kvasir.cache.exclude",
    "kvasir.cache.include",
    "kvasir.cache.setBudget",
    "kvasir.cache.readAgain",
    "kvasir.cache.drop",
] as const satisfies readonly CommandId[];

export type CacheCommands = Record<(typeof cacheCommandIds)[number], (...args: unknown[]) => unknown>;
