/** `kvasir serve`: the resident repository for other programs of this machine, by the OpenAI API. */
import type {Server} from "node:http";
import type {AddressInfo} from "node:net";
import {portUnavailable, toKvasirError} from "../../protocol/errors.js";
import type {CommandContext} from "../command-context.js";
import {type CommonFlags, checkModelExists, settingsOf} from "../common-flags.js";
import {LiveWorkspace} from "../live-workspace.js";
import {ProgressLine} from "../output/progress-line.js";
import {formatCount, formatMs} from "../output/units.js";
import {accessToken} from "../serve/access-token.js";
import {type Serving, chatCompletions} from "../serve/chat-completions.js";
import {ConversationPool} from "../../core/chat/conversation-pool.js";
import {type Routes, createApiServer} from "../serve/http-server.js";
import {modelAlias} from "../serve/response-parts.js";
import {textCompletions} from "../serve/text-completions.js";

export interface ServeFlags extends CommonFlags {
    port: number;
    maxBodyMib: number;
    maxPending: number;
    /** Seconds. */
    timeout: number;
    read?: boolean;
}

/** Conversations whose rows stay for their next question. */
const maxConversations = 8;
/** Nothing but this machine. */
const host = "127.0.0.1";
/** Of a client that is being told that its request is cancelled. */
const lastWordsMs = 1_000;

/** Serves until it is interrupted. Prints where, and the token if it is new, on standard output; all else beside it. */
export async function runServe(context: CommandContext, flags: ServeFlags): Promise<undefined> {
    const {terminal, interrupt, root} = context;
    const settings = settingsOf(flags, root);
    checkModelExists(settings);
    const token = accessToken(process.env, root);
    const note = (line: string) => void terminal.stderr.write(`${line}\n`);
    const engine = context.joinEngine({settings, name: "kvasir serve", note});
    const progress = new ProgressLine(terminal);
    try {
        const model = await engine.load((share) => progress.showShare("loading the model", share), interrupt.signal);
        progress.clear();
        const workspace = new LiveWorkspace(root, engine);
        engine.onDidChangeConnection(({name}) => {
            if (name === "connected") workspace.forget();
        });
        const server = createApiServer({
            token: token.value,
            limits: {
                maxBodyBytes: flags.maxBodyMib * 2 ** 20,
                maxPending: flags.maxPending,
                requestMs: flags.timeout * 1000,
            },
            signal: interrupt.signal,
            routes: routesOf({
                engine,
                workspace,
                conversations: new ConversationPool(maxConversations, (id) => {
                    engine.forget(id).catch(() => undefined);
                }),
                // Loads it again when a window has unloaded it meanwhile.
                modelName: async () => (await engine.load()).name,
                callsTools: async () => (await engine.load()).callsTools === true,
            }),
            onDone: note,
        });
        const url = `http://${host}:${await listen(server, flags.port)}/v1`;
        announce(context, flags, {url, model: model.name, ...(token.isNew ? {token: token.value} : {})});
        startReading({engine, workspace}, flags, context);
        await ended(interrupt.signal);
        await closed(server);
        return undefined;
    } finally {
        progress.clear();
        await engine.dispose();
    }
}

function routesOf(serving: Serving): Routes {
    return {
        "GET /v1/models": async ({json}) => {
            const {name, window} = await serving.engine.load();
            const facts = {object: "model", created: 0, owned_by: "kvasir", context_length: window};
            json({object: "list", data: [name, modelAlias].map((id) => ({id, ...facts}))});
        },
        "POST /v1/chat/completions": (exchange) => chatCompletions(serving, exchange),
        "POST /v1/completions": (exchange) => textCompletions(serving, exchange),
    };
}

/** @throws KvasirError `port-unavailable` */
function listen(server: Server, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
        server.once("error", (error: NodeJS.ErrnoException) =>
            reject(portUnavailable(port, error.code === "EADDRINUSE" ? "it is in use" : error.message, error)),
        );
        server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
    });
}

/** The one place where a new token is told. */
function announce(
    {terminal}: CommandContext,
    flags: ServeFlags,
    said: {url: string; model: string; token?: string},
): void {
    if (flags.json) {
        terminal.stdout.write(`${JSON.stringify(said)}\n`);
        return;
    }
    const token = said.token === undefined ? "" : `\ntoken: ${said.token}   (told once; KVASIR_SERVE_TOKEN keeps one)`;
    terminal.stdout.write(`${said.model} at ${said.url}${token}\nCtrl-C ends it.\n`);
}

/** The first look at the folder, and with --read every file, before anybody asks. */
function startReading(
    {engine, workspace}: Pick<Serving, "engine" | "workspace">,
    {read}: ServeFlags,
    {interrupt: {signal}, terminal}: CommandContext,
): void {
    const work = async () => {
        await workspace.refresh(signal);
        if (!read) return;
        const {totals} = await engine.read({workspace: workspace.root}, undefined, signal);
        terminal.stderr.write(`read ${formatCount(totals.tokens)} tokens in ${formatMs(totals.ms)}\n`);
    };
    work().catch((error: unknown) => {
        if (!signal.aborted) terminal.stderr.write(`note: ${toKvasirError(error).message}\n`);
    });
}

function ended(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
        if (signal.aborted) resolve();
        signal.addEventListener("abort", () => resolve(), {once: true});
    });
}

/** What runs is cancelled by the same signal, so its answers end at once. */
function closed(server: Server): Promise<void> {
    return new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
        setTimeout(() => server.closeAllConnections(), lastWordsMs).unref();
    });
}
