/** Owns the names of all commands: package.json contributes the same ones, and a test compares both. */

/** In the command palette and menus. */
export const contributedCommands = [
    "kvasir.restartEngine",
    "kvasir.showLog",
    "kvasir.doctor",
    "kvasir.unload",
    "kvasir.pause",
    "kvasir.resume",
    "kvasir.saveBattery",
    "kvasir.cancelReading",
    "kvasir.rescan",
    "kvasir.showSkipped",
    "kvasir.chooseModel",
    "kvasir.chat.open",
    "kvasir.chat.new",
    "kvasir.chat.history",
    "kvasir.chat.export",
    "kvasir.chat.stop",
    "kvasir.chat.addSelection",
    "kvasir.chat.addFile",
    "kvasir.explain",
    "kvasir.fix",
    "kvasir.tests",
    "kvasir.doc",
    "kvasir.review",
    "kvasir.inlineEdit",
    "kvasir.commitMessage",
    "kvasir.diff.acceptAll",
    "kvasir.diff.rejectAll",
    "kvasir.diff.acceptHunk",
    "kvasir.diff.rejectHunk",
    "kvasir.completion.toggle",
    "kvasir.completion.toggleLanguage",
    "kvasir.completion.trigger",
    "kvasir.completion.snooze",
    "kvasir.cache.open",
    "kvasir.cache.openInEditor",
    "kvasir.cache.pin",
    "kvasir.cache.unpin",
    "kvasir.cache.exclude",
    "kvasir.cache.include",
    "kvasir.cache.setBudget",
    "kvasir.cache.readAgain",
    "kvasir.cache.drop",
    "kvasir.heatMap.toggle",
] as const;

/** Run by Kvasir's own items, with arguments of their own; nobody types them. */
export const internalCommands = [
    "kvasir.completion.accepted",
    "kvasir.completion.menu",
    "kvasir.diff.show",
    "kvasir.rename",
    "kvasir.status.menu",
] as const;

export type CommandId = (typeof contributedCommands)[number] | (typeof internalCommands)[number];
