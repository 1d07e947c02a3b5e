/** A terminal whose two streams are strings. */
import {createTerminal, type OutputStream, type Terminal} from "../../../extension/cli/output/terminal.js";

export interface MemoryTerminal extends Terminal {
    readonly out: () => string;
    readonly err: () => string;
}

export function memoryTerminal(env: Record<string, string> = {}, isTTY = false): MemoryTerminal {
    const stdout = memoryStream(isTTY);
    const stderr = memoryStream(isTTY);
    return Object.assign(createTerminal(stdout, stderr, env), {out: () => stdout.text, err: () => stderr.text});
}

function memoryStream(isTTY: boolean): OutputStream & {text: string} {
    return {
        text: "",
        isTTY,
        write(text: string) {
            this.text += text;
        },
    };
}
