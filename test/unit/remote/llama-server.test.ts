/** What a real llama-server has said to the client of a remote engine, said to it again. */
import {describe, expect, it} from "vitest";
import {readExchanges, replayer} from "../../peers/exchanges.js";
import {scenarios} from "../../peers/scenarios.js";

describe("llama-server, as recorded", () => {
    it.each(scenarios)("$title", async ({name, run}) => {
        const exchanges = readExchanges(name);
        const server = await replayer(exchanges);
        const nLeft = exchanges.filter(({response}) => response.end === "client gone").length;
        try {
            await run({url: server.url, isIdle: async () => server.nGone() === nLeft, kill: async () => {}});
            expect(server.surprises()).toEqual([]);
        } finally {
            await server.close();
        }
    });
});
