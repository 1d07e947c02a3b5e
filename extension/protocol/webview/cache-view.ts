/** What the cache view and the extension say to each other. */
import {z} from "zod";
import {notice, type WebviewProtocol} from "./messages.js";

export const cacheViewProtocol = {
    toHost: {
        /** The page has loaded and listens. */
        ready: notice(z.object({})),
    },
    toWebview: {},
} as const satisfies WebviewProtocol;

export type CacheViewProtocol = typeof cacheViewProtocol;
