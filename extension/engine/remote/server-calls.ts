/** Owns the calls of tools in a server's answer, which come in pieces, and what becomes of those that are none. */
import {isJsonObject} from "../../core/chat/call-forms.js";
import type {ToolCall} from "../../protocol/engine.js";
import {serverGarbled} from "../../protocol/errors.js";
import type {CallDelta} from "./answer-stream.js";

export class ServerCalls {
    readonly #calls: {id: string; name: string; arguments: string}[] = [];

    /** @returns how many characters it had */
    push(deltas: readonly CallDelta[]): number {
        let size = 0;
        for (const {index, id, function: told} of deltas) {
            // Some servers leave the number out and tell each call whole.
            const at = index ?? (typeof id === "string" ? this.#calls.length : Math.max(0, this.#calls.length - 1));
            const call = (this.#calls[at] ??= {id: "", name: "", arguments: ""});
            call.id ||= id ?? "";
            call.name += told?.name ?? "";
            call.arguments += told?.arguments ?? "";
            size += (told?.name ?? "").length + (told?.arguments ?? "").length;
        }
        return size;
    }

    /** @throws KvasirError `server-garbled` when one has no name, or arguments that are no object */
    end(host: string): ToolCall[] {
        return Object.values(this.#calls).map(({id, name, arguments: given}, i) => {
            const text = given.trim() === "" ? "{}" : given;
            if (name === "" || !isJsonObject(text)) throw serverGarbled(host, "a call of a tool is not whole");
            return {id: id === "" ? `call-${i + 1}` : id, name, arguments: text};
        });
    }
}
