/** Owns what VS Code's own settings say of a proxy, for the processes that Kvasir starts: they know the environment only. */
import * as vscode from "vscode";

/** Variables to add; none where the environment's own are to count. */
export function proxyVariables(): NodeJS.ProcessEnv {
    const http = vscode.workspace.getConfiguration("http");
    const proxy = http.get<string>("proxy", "");
    if (proxy === "" || http.get("proxySupport") === "off") return {};
    const noProxy = http.get<string[]>("noProxy", []);
    // Both spellings: the small one would win.
    const both = {http_proxy: proxy, https_proxy: proxy, HTTP_PROXY: proxy, HTTPS_PROXY: proxy};
    return noProxy.length === 0 ? both : {...both, no_proxy: noProxy.join(","), NO_PROXY: noProxy.join(",")};
}
