/** `kvasir mcp`: tools over this folder for agents, by the Model Context Protocol on standard input and output. */
import {once} from "node:events";
import {StdioServerTransport} from "@modelcontextprotocol/sdk/server/stdio.js";
import type {EngineClient} from "../../client/engine-client.js";
import type {CommandContext} from "../command-context.js";
import {type CommonFlags, checkModelExists, settingsOf} from "../common-flags.js";
import {LiveWorkspace} from "../live-workspace.js";
import {type Answering, createMcpServer} from "../mcp/mcp-server.js";
import {WorkspaceTexts} from "../mcp/workspace-texts.js";
import {packageVersion} from "../package-root.js";

/** Serves until the agent closes our input, or we are interrupted. Standard output is the protocol's. */
export async function runMcp(context: CommandContext, flags: CommonFlags): Promise<undefined> {
    const {terminal, interrupt, root} = context;
    const settings = settingsOf(flags, root);
    let client: EngineClient | undefined;
    let answering: Answering | undefined;
    // Searching and reading need no model, so an agent that only does these starts no engine.
    const joined = async (): Promise<Answering> => {
        if (answering === undefined) {
            checkModelExists(settings);
            const note = (line: string) => void terminal.stderr.write(`${line}\n`);
            const engine = (client ??= context.joinEngine({settings, name: "kvasir mcp", note}));
            await engine.load(undefined, interrupt.signal);
            const workspace = new LiveWorkspace(root, engine);
            engine.onDidChangeConnection(({name}) => {
                if (name === "connected") workspace.forget();
            });
            answering = {engine, workspace};
        }
        return answering;
    };
    const server = createMcpServer({version: packageVersion(), texts: new WorkspaceTexts(root), answering: joined});
    try {
        await server.connect(new StdioServerTransport());
        await Promise.race([once(process.stdin, "end"), once(process.stdin, "close"), once(interrupt.signal, "abort")]);
        await server.close();
        return undefined;
    } finally {
        await client?.dispose();
    }
}
