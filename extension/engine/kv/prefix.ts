/** The rows of the fixed prefix: decoded once per context, base rows of every read and every question. */
import type {NativeSegment} from "../native/native.js";
import type {KvContext} from "./kv-context.js";
import {flatten, keepAll} from "./segment.js";

export class Prefix {
    private constructor(
        readonly native: NativeSegment,
        readonly tokens: Uint32Array,
    ) {}

    get nTokens(): number {
        return this.tokens.length;
    }

    static async make(context: KvContext, tokens: Uint32Array): Promise<Prefix> {
        const session = await context.newSession();
        try {
            await context.withRoom(() => session.reserve(tokens.length));
            await context.withRoom(() => session.decode(tokens, 0));
            const {counts, rows} = flatten(keepAll(context.nRegions, tokens.length));
            return new Prefix(await context.withRoom(() => session.gather(counts, rows)), tokens);
        } finally {
            session.dispose();
        }
    }

    dispose(): void {
        this.native.dispose();
    }
}
