/**
 * Owns the first line of a connection: who speaks, which version, with which token. Nothing else of a stranger is looked
 * at, and a stranger who sends too much or nothing is put out.
 */
import {timingSafeEqual} from "node:crypto";
import type {Socket} from "node:net";
import {readFirstLine} from "../../core/process/first-line.js";
import {
    type Endpoint,
    type Greeting,
    type Welcome,
    greetingSchema,
    maxGreetingBytes,
    protocolVersion,
} from "../../protocol/rpc.js";

export type GreetingResult =
    | {kind: "accepted"}
    | {kind: "refused"; reason: "token" | "protocol" | "full" | "leaving"; wantsItself: boolean}
    /** No greeting at all: too long, too late, not JSON, gone. */
    | {kind: "noise"};

/** How long a stranger may take for one line. */
export const greetingTimeoutMs = 5_000;

/**
 * Reads the first line and answers it, unless it is noise. What follows the line stays in the socket for JSON-RPC.
 * @param refuse a reason why nobody is taken now
 */
export async function greet(
    socket: Socket,
    endpoint: Endpoint,
    refuse: (greeting: Greeting) => {reason: "full" | "leaving"} | undefined,
    leavesWhenAsked: () => boolean,
): Promise<GreetingResult> {
    const line = await readFirstLine(socket, {
        maxBytes: maxGreetingBytes,
        deadline: AbortSignal.timeout(greetingTimeoutMs),
    });
    const greeting = line === undefined ? undefined : parseGreeting(line);
    if (greeting === undefined) return {kind: "noise"};
    const isTrusted = isSameToken(greeting.token, endpoint.token);
    const reason = !isTrusted ? "token" : greeting.protocol !== protocolVersion ? "protocol" : refuse(greeting)?.reason;
    const wantsItself = isTrusted && greeting.wantsItself === true;
    const answer: Welcome =
        reason === undefined
            ? {kvasir: "engine", kind: "welcome", protocol: protocolVersion, pid: process.pid}
            : {
                  kvasir: "engine",
                  kind: "refused",
                  reason,
                  protocol: protocolVersion,
                  leaves: reason === "protocol" && wantsItself && leavesWhenAsked(),
              };
    socket.write(`${JSON.stringify(answer)}\n`);
    return reason === undefined ? {kind: "accepted"} : {kind: "refused", reason, wantsItself};
}

function parseGreeting(line: string): Greeting | undefined {
    try {
        return greetingSchema.safeParse(JSON.parse(line)).data;
    } catch {
        return undefined;
    }
}

/** Takes the same time wherever the first difference is. */
function isSameToken(given: string, own: string): boolean {
    const [a, b] = [Buffer.from(given), Buffer.from(own)];
    return a.length === b.length && timingSafeEqual(a, b);
}
