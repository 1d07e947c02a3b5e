/**
 * Owns the tools that `kvasir mcp` gives to agents: what they take, what they answer, and how they say that they cannot.
 * The protocol is the official SDK's. Nothing here changes a file.
 */
import {McpServer} from "@modelcontextprotocol/sdk/server/mcp.js";
import type {CallToolResult} from "@modelcontextprotocol/sdk/types.js";
import * as z from "zod";
import type {EngineApi} from "../../protocol/engine.js";
import {toKvasirError} from "../../protocol/errors.js";
import type {LiveWorkspace} from "../live-workspace.js";
import {sentenceOf} from "../output/report.js";
import type {WorkspaceTexts} from "./workspace-texts.js";

/** The engine with the workspace's files in it; the model is loaded by the first question. */
export interface Answering {
    engine: EngineApi;
    workspace: LiveWorkspace;
}

export interface McpOptions {
    version: string;
    texts: WorkspaceTexts;
    answering: () => Promise<Answering>;
}

const path = z.string().min(1).max(8192);
const line = z.int().min(1);
const readOnly = {readOnlyHint: true, openWorldHint: false};

export function createMcpServer({version, texts, answering}: McpOptions): McpServer {
    const server = new McpServer({name: "kvasir", version});
    let nQuestions = 0;

    server.registerTool(
        "search_repo",
        {
            title: "Search the repository",
            description:
                "Finds files of this repository by words: names, identifiers, topics. Answers paths, best first, with the lines that matched.",
            inputSchema: {query: z.string().min(1).max(2_000), limit: z.int().min(1).max(50).default(10)},
            outputSchema: {
                files: z.array(
                    z.object({
                        path: z.string(),
                        words: z.array(z.string()),
                        lines: z.array(z.object({line: z.number(), text: z.string()})),
                    }),
                ),
            },
            annotations: readOnly,
        },
        ({query, limit}, {signal}) =>
            answered(async () => {
                const files = await texts.search(query, limit, signal);
                const shown = files.map((file) =>
                    [file.path, ...file.lines.map((found) => `  ${found.line}: ${found.text}`)].join("\n"),
                );
                return {text: shown.length === 0 ? "No file speaks of that." : shown.join("\n"), structured: {files}};
            }),
    );

    server.registerTool(
        "read_file",
        {
            title: "Read a file",
            description:
                "Text of one file of this repository, by its path relative to the root; of a long one 2000 lines at a time. Ignored files and secrets are not readable.",
            inputSchema: {path, startLine: line.optional(), endLine: line.optional()},
            annotations: readOnly,
        },
        (asked, {signal}) =>
            answered(async () => {
                const {text, startLine, endLine, nLines} = await texts.read(
                    asked.path,
                    asked.startLine,
                    asked.endLine,
                    signal,
                );
                const isWhole = startLine === 1 && endLine === nLines;
                return {text: isWhole ? text : `Lines ${startLine} to ${endLine} of ${nLines}:\n${text}`};
            }),
    );

    server.registerTool(
        "ask_repo",
        {
            title: "Ask about the repository",
            description:
                "A question about this repository, answered by the user's own model, which has its files read ahead. Names the files that the answer is from.",
            inputSchema: {
                question: z.string().min(1).max(20_000),
                context: z.array(path).max(1_000).optional().describe("files or folders to see, and no others"),
                maxTokens: z.int().min(1).max(8_192).default(512),
            },
            outputSchema: {
                answer: z.string(),
                files: z.array(z.string()),
                leftOut: z.array(z.object({path: z.string(), why: z.string()})),
                reusedTokens: z.number(),
                readTokens: z.number(),
                notes: z.array(z.string()),
            },
            annotations: readOnly,
        },
        ({question, context, maxTokens}, {signal, _meta, sendNotification}) =>
            answered(async () => {
                const {engine, workspace} = await answering();
                await workspace.refresh(signal);
                const conversation = `mcp-${++nQuestions}`;
                const progressToken = _meta?.progressToken;
                try {
                    const report = await engine.ask(
                        {
                            workspace: workspace.root,
                            conversation,
                            turns: [{role: "user", text: question}],
                            choice:
                                context === undefined ? {} : {context: workspace.filesNamed(context), onlyNamed: true},
                            maxTokens,
                            temperature: 0,
                        },
                        {
                            progress: ({filesDone, filesTotal}) => {
                                if (progressToken === undefined) return;
                                const params = {
                                    progressToken,
                                    progress: filesDone,
                                    total: filesTotal,
                                    message: "reading files",
                                };
                                sendNotification({method: "notifications/progress", params}).catch(() => undefined);
                            },
                        },
                        signal,
                    );
                    const files = report.attended.map((file) => file.path);
                    const {leftOut, reusedTokens, readTokens, notes} = report;
                    return {
                        text: `${report.text}\n\nFiles: ${files.join(", ") || "none"}`,
                        structured: {answer: report.text, files, leftOut, reusedTokens, readTokens, notes},
                    };
                } finally {
                    await engine.forget(conversation).catch(() => undefined);
                }
            }),
    );
    return server;
}

/** What a tool found, or its coded failure as a result that the agent can read. */
async function answered(
    work: () => Promise<{text: string; structured?: Record<string, unknown>}>,
): Promise<CallToolResult> {
    try {
        const {text, structured} = await work();
        return {
            content: [{type: "text", text}],
            ...(structured === undefined ? {} : {structuredContent: structured}),
        };
    } catch (thrown) {
        const error = toKvasirError(thrown);
        return {isError: true, content: [{type: "text", text: `error ${error.code}: ${sentenceOf(error)}`}]};
    }
}
