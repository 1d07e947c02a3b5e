/** Owns how a coded error looks to a client of the OpenAI API: status, headers, and the body under `error`. */
import {KvasirError, type KvasirErrorCode, isKvasirError, toKvasirError} from "../../protocol/errors.js";
import {sentenceOf} from "../output/report.js";

export interface ErrorBody {
    error: {message: string; type: string; param: string | null; code: string};
}

export interface ErrorReply {
    status: number;
    headers: Record<string, string>;
    body: ErrorBody;
}

/** What is not here is a failure of the server: 500, or 503 where it may pass. */
const statuses: Partial<Record<KvasirErrorCode, number>> = {
    "request-invalid": 400,
    usage: 400,
    "file-missing": 400,
    "question-too-long": 400,
    "position-outside": 400,
    "token-wrong": 401,
    "request-forged": 403,
    "route-unknown": 404,
    "model-unknown": 404,
    "request-too-large": 413,
    busy: 429,
    // What nginx answers when the client has gone; nobody reads it.
    cancelled: 499,
    "request-timeout": 504,
    "engine-unreachable": 503,
    "engine-stopped": 503,
    "engine-version": 503,
    "out-of-memory": 503,
    "kv-limit": 503,
    "model-missing": 503,
    "model-broken": 503,
    "model-unsupported": 503,
    "model-too-large": 503,
    "model-changed": 503,
};

/** Worth another try by itself, after a while. */
const passing: readonly KvasirErrorCode[] = ["busy", "engine-stopped"];
const retryAfterSeconds = 2;

/** @param param the field of the request that is wrong, when it is one */
export function errorReply(thrown: unknown, param: string | null = null): ErrorReply {
    const error = toKvasirError(thrown);
    const status = statuses[error.code] ?? 500;
    const passes = passing.includes(error.code);
    return {
        status,
        headers: {
            // OpenAI's clients try 429, 5xx again by themselves unless told not to.
            "x-should-retry": String(passes),
            ...(passes ? {"retry-after": String(retryAfterSeconds)} : {}),
            ...(status === 401 ? {"www-authenticate": "Bearer"} : {}),
        },
        body: {
            error: {
                // A bug's message may hold anything, a file's text included.
                message:
                    error.code === "internal" ? "an unexpected error; the engine's log has it." : sentenceOf(error),
                type: typeOf(status),
                param: paramOf(error) ?? param,
                code: error.code,
            },
        },
    };
}

function typeOf(status: number): string {
    if (status === 401) return "authentication_error";
    if (status === 403) return "permission_error";
    if (status === 429) return "rate_limit_error";
    return status < 500 ? "invalid_request_error" : "server_error";
}

/** A request that does not fit its schema: which field, and why. */
export class InvalidField extends KvasirError {
    constructor(
        readonly param: string,
        reason: string,
        fix?: string,
    ) {
        super("request-invalid", reason, {fix});
    }
}

function paramOf(error: KvasirError): string | undefined {
    return isKvasirError(error) && "param" in error && typeof error.param === "string" ? error.param : undefined;
}
