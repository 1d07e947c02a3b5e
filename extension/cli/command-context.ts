/** What a command is given to work with, and what it gives back. */
import type {EngineApi, EngineSettings} from "../protocol/engine.js";
import type {EngineClient} from "../client/engine-client.js";
import type {Interrupt} from "./interrupt.js";
import type {JoinOptions} from "./join-engine.js";
import type {Terminal} from "./output/terminal.js";

export interface CommandContext {
    readonly terminal: Terminal;
    /** The workspace's folder, absolute. */
    readonly root: string;
    readonly interrupt: Interrupt;
    /** One engine in this process. The caller disposes of it. */
    readonly createEngine: (settings: EngineSettings) => Promise<EngineApi>;
    /** The engine process that this user's windows and servers share. The caller disposes of the client. */
    readonly joinEngine: (options: JoinOptions) => EngineClient;
}

export interface CommandResult {
    /** The one object of `--json`. */
    json: object;
    /** The same for people, on standard output; "" when it was written already. */
    text: string;
    /** 1 when the command ran and its finding is a failure. */
    exitCode?: 0 | 1;
}
