import fc from "fast-check";
import {describe, expect, it} from "vitest";
import {webAddress} from "../../../extension/core/chat/web-address.js";
import {classifyLink, isMisleading} from "../../../webview/chat/links.js";

describe("a link in an answer", () => {
    it.each([
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\nscript:alert(1)",
        " javascript:alert(1)",
        "command:workbench.action.terminal.new",
        "vscode://file/etc/passwd",
        "vscode-insiders://x",
        "data:text/html,<script>alert(1)</script>",
        "file:///etc/passwd",
        "//evil.example/x",
        "\\\\evil\\share",
        "/etc/passwd",
        "../../outside.ts",
        "src/../../outside.ts",
        "src%2F..%2F..%2Foutside.ts",
        "https://good.com@evil.com/",
        "https://user:pass@evil.com/",
        "http://",
        "https://exa\u202emple.com/",
        "mailto:me@example.com",
    ])("%j does nothing", (href) => {
        expect(classifyLink(href)).toBeUndefined();
    });

    it.each([
        ["https://example.com/a?b#c", {kind: "web", url: "https://example.com/a?b#c", host: "example.com"}],
        ["HTTP://EXAMPLE.com", {kind: "web", url: "http://example.com/", host: "example.com"}],
        ["src/a.ts#L10-L20", {kind: "file", path: "src/a.ts", line: 10}],
        ["./src/a%20b.ts", {kind: "file", path: "src/a b.ts", line: undefined}],
    ])("%j is understood", (href, link) => {
        expect(classifyLink(href)).toEqual(link);
    });

    it("of any text is of the web or a path without a way out", () => {
        fc.assert(
            fc.property(
                fc.oneof(fc.string(), fc.webUrl(), fc.constantFrom("a/../..", "%2e%2e/x", "..%5cx")),
                (href) => {
                    const link = classifyLink(href);
                    if (link?.kind === "web") expect(webAddress(link.url)?.href).toBe(link.url);
                    else if (link !== undefined) {
                        expect(link.path.startsWith("/")).toBe(false);
                        expect(link.path.split(/[\\/]/)).not.toContain("..");
                        expect(link.path).not.toMatch(/^[a-z]+:/i);
                    }
                },
            ),
        );
    });

    it("whose words name another place says so", () => {
        const evil = classifyLink("https://evil.example/login")!;
        expect(isMisleading("https://github.com/login", evil)).toBe(true);
        expect(isMisleading("evil.example", evil)).toBe(false);
        expect(isMisleading("click here", evil)).toBe(false);
    });

    it("the extension opens nothing else either", () => {
        for (const address of [
            "file:///etc/passwd",
            "command:x",
            "https://a@b.com",
            "vscode://x",
            "nonsense",
            "http:///x@y",
        ]) {
            expect(webAddress(address), address).toBeUndefined();
        }
        expect(webAddress("https://xn--e1awd7f.com/")?.host).toBe("xn--e1awd7f.com");
        // Letters that look like others are written out for whoever confirms.
        expect(webAddress("https://еxample.com/")?.host).toMatch(/^xn--/);
    });
});
