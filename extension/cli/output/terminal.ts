/**
 * Owns the two streams of the command line: results go to standard output, everything else (progress, notes,
 * errors) to standard error. Decides colours; knows no command.
 */
import pc from "picocolors";

export type Colors = ReturnType<typeof pc.createColors>;

/** What is needed of a stream, so that a test can stand in for a terminal. */
export interface OutputStream {
    write(text: string): unknown;
    isTTY?: boolean;
    columns?: number;
}

export interface Terminal {
    readonly stdout: OutputStream;
    readonly stderr: OutputStream;
    /** Colours for standard output, or functions that change nothing. */
    readonly colors: Colors;
    /** The same for standard error. */
    readonly errColors: Colors;
    readonly isErrLive: boolean;
    /** Width of the terminal on standard output; a sensible one when there is none. */
    readonly columns: number;
    /** The same on standard error. */
    readonly errColumns: number;
}

const columnsWithoutTerminal = 120;

/** @param env `NO_COLOR` (any value but the empty one), `FORCE_COLOR` and `TERM=dumb` are obeyed, in this order. */
export function createTerminal(
    stdout: OutputStream,
    stderr: OutputStream,
    env: Readonly<Record<string, string | undefined>>,
): Terminal {
    return {
        stdout,
        stderr,
        colors: pc.createColors(hasColors(stdout, env)),
        errColors: pc.createColors(hasColors(stderr, env)),
        // A terminal without a width (some programs pretend to be one) cannot move a line.
        isErrLive: stderr.isTTY === true && env.TERM !== "dumb" && stderr.columns !== 0,
        get columns() {
            return stdout.columns || columnsWithoutTerminal;
        },
        get errColumns() {
            return stderr.columns || columnsWithoutTerminal;
        },
    };
}

function hasColors(stream: OutputStream, env: Readonly<Record<string, string | undefined>>): boolean {
    if (env.NO_COLOR !== undefined && env.NO_COLOR !== "") return false;
    if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== "0" && env.FORCE_COLOR !== "false";
    return stream.isTTY === true && env.TERM !== "dumb";
}
