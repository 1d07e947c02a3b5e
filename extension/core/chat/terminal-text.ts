/** What a terminal has printed, as a person would read it. Pure. */

/** Without colours, cursor moves and what was overwritten on a line. */
export function plainTerminalText(text: string): string {
    return (
        text
            // OSC, CSI and the other escapes.
            .replace(/\u001b\][\s\S]*?(?:\u0007|\u001b\\)/g, "")
            .replace(/\u001b\[[0-9;?<=>]*[ -/]*[@-~]/g, "")
            .replace(/\u001b[@-_()][0-9A-Za-z]?/g, "")
            .replace(/\r\n/g, "\n")
            .split("\n")
            .map((line) => line.slice(line.lastIndexOf("\r") + 1))
            .join("\n")
            .replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, "")
            .trim()
    );
}
