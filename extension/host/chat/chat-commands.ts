/** Owns the names of the commands that belong to the chat. Loaded with the extension, so it imports nothing of the chat. */
import type {CommandId} from "../commands/command-ids.js";

export const chatCommandIds = [
    "kvasir.chat.open",
    "kvasir.chat.new",
    "kvasir.chat.history",
    "kvasir.chat.stop",
    "kvasir.chat.export",
    "kvasir.chat.tools",
    "kvasir.chat.addSelection",
    "kvasir.chat.addFile",
    "kvasir.explain",
    "kvasir.fix",
    "kvasir.tests",
    "kvasir.doc",
    "kvasir.review",
    "kvasir.commitMessage",
    "kvasir.rename",
    "kvasir.inlineEdit",
    "kvasir.diff.acceptHunk",
    "kvasir.diff.rejectHunk",
    "kvasir.diff.acceptAll",
    "kvasir.diff.rejectAll",
    "kvasir.diff.show",
] as const satisfies readonly CommandId[];

export type ChatCommands = Record<(typeof chatCommandIds)[number], (...args: unknown[]) => unknown>;
