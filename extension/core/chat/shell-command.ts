/** The commands of a shell block, as they are shown and as they are run: the same characters. Pure. */

/** Without the prompts of a transcript, and without characters that would hide a part of it from its reader. */
export function commandLines(code: string): string {
    const lines = code.replace(/[^\P{C}\n\t]/gu, "").split("\n");
    const prompted = lines.filter((line) => /^\s*[$>] /.test(line));
    const commands = prompted.length > 0 ? prompted.map((line) => line.replace(/^\s*[$>] /, "")) : lines;
    return commands.join("\n").trim();
}
