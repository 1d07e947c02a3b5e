/** What VS Code's settings say of a proxy, as the processes that Kvasir starts are told. */
import assert from "node:assert/strict";
import * as vscode from "vscode";
import {proxyVariables} from "../../extension/host/proxy.js";

describe("a proxy in VS Code's settings", () => {
    const set = (name: string, value: unknown) =>
        vscode.workspace.getConfiguration("http").update(name, value, vscode.ConfigurationTarget.Global);
    after(async () => {
        for (const name of ["proxy", "noProxy", "proxySupport"]) await set(name, undefined);
    });

    it("is told in the environment's words, and not where VS Code uses none", async () => {
        assert.deepEqual(proxyVariables(), {});
        await set("proxy", "http://127.0.0.1:9");
        await set("noProxy", ["gpu.example", ".intern"]);
        const {HTTPS_PROXY, http_proxy, NO_PROXY, no_proxy} = proxyVariables();
        assert.deepEqual([HTTPS_PROXY, http_proxy], ["http://127.0.0.1:9", "http://127.0.0.1:9"]);
        assert.deepEqual([NO_PROXY, no_proxy], ["gpu.example,.intern", "gpu.example,.intern"]);
        await set("proxySupport", "off");
        assert.deepEqual(proxyVariables(), {});
    });
});
