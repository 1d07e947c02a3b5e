/** What set-up says when it cannot go on, and the rule that tells "offline" from other failures. */

/** An expected failure: one sentence, the way out, and the end of the failing program's output. */
export class SetupError extends Error {
    /**
     * @param {string} message
     * @param {{fix?: string, output?: string, log?: string}} [details]
     */
    constructor(message, {fix, output, log} = {}) {
        super(message);
        this.name = "SetupError";
        this.fix = fix;
        this.output = output;
        this.log = log;
    }
}

const offlineSigns = [
    /\bENOTFOUND\b/,
    /\bEAI_AGAIN\b/,
    /\bECONNREFUSED\b/,
    /\bECONNRESET\b/,
    /\bETIMEDOUT\b/,
    /\bENETUNREACH\b/,
    /\bEHOSTUNREACH\b/,
    /name resolution/i,
    /getaddrinfo failed/i,
    /network is unreachable/i,
    /failed to establish a new connection/i,
    /could not resolve host/i,
    /read timed out/i,
    /cannot connect to proxy/i,
];

/**
 * True when a failed fetch looks like a missing connection rather than a missing package.
 * @param {string} output what npm, pip or apt-get printed
 */
export function isOfflineOutput(output) {
    return offlineSigns.some((sign) => sign.test(output));
}

/**
 * The error of a fetch that failed, told apart by its output.
 * @param {string} what
 * @param {unknown} error
 */
export function fetchError(what, error) {
    if (!(error instanceof SetupError)) return error;
    const isOffline = isOfflineOutput(error.output ?? "");
    return new SetupError(
        isOffline ? `${what} could not be fetched: no connection.` : `${what} could not be fetched.`,
        {
            fix: isOffline
                ? "Connect (or set the proxy of npm and pip) and run this again: what is done is kept."
                : "Run this again: what is done is kept. If it fails again, the output above says why.",
            output: error.output,
            log: error.log,
        },
    );
}
