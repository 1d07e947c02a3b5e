/** Writes text as a fenced block whose fence the text cannot close. */

/** @param info what follows the opening fence, without line breaks */
export function fenced(text: string, info = ""): string {
    const longest = Math.max(2, ...[...text.matchAll(/`{3,}/g)].map(([ticks]) => ticks.length));
    const fence = "`".repeat(longest + 1);
    const body = text.endsWith("\n") || text === "" ? text : `${text}\n`;
    return `${fence}${info.replace(/[\r\n`]+/g, " ").trim()}\n${body}${fence}`;
}
