import {describe, expect, expectTypeOf, it} from "vitest";
import {z} from "zod";
import {answerMessages} from "../../../extension/host/webview-messages.js";
import {pageHtml} from "../../../extension/host/webview-page.js";
import {KvasirError} from "../../../extension/protocol/errors.js";
import {type WebviewFrame, notice, question} from "../../../extension/protocol/webview/messages.js";
import {connectHost} from "../../../webview/shared/messaging.js";

const protocol = {
    toHost: {
        add: question(z.object({a: z.number(), b: z.number()}), z.number()),
        fail: question(z.object({}), z.string()),
        log: notice(z.object({text: z.string().max(5)})),
    },
    toWebview: {shown: notice(z.object({n: z.number()}))},
} as const;
type Protocol = typeof protocol;

/** A page and its host, wired together as VS Code would, messages cloned on the way. */
function wired() {
    const warnings: string[] = [];
    const logged: string[] = [];
    let toHost: (message: unknown) => void = () => {};
    let toPage: (message: unknown) => void = () => {};
    const posted: WebviewFrame[] = [];
    const link = answerMessages<Protocol>(
        protocol,
        {
            add: ({a, b}) => a + b,
            fail: () => {
                throw new KvasirError("kv-limit", "it does not fit.", {fix: "Make room."});
            },
            log: ({text}) => logged.push(text),
        },
        (frame) => {
            posted.push(frame);
            toPage(structuredClone(frame));
        },
        (listener) => {
            toHost = listener;
            return {dispose: () => (toHost = () => {})};
        },
        (message) => warnings.push(message),
    );
    const page = connectHost<Protocol>(
        {postMessage: (message) => toHost(structuredClone(message)), getState: () => undefined, setState: () => {}},
        (listener) => (toPage = listener),
    );
    return {page, link, warnings, logged, posted, send: (message: unknown) => toHost(message)};
}

describe("messages between a page and the extension", () => {
    it("a question gets its reply, of the right type", async () => {
        const {page} = wired();
        const sums = await Promise.all([page.ask("add", {a: 1, b: 2}), page.ask("add", {a: 3, b: 4})]);
        expect(sums).toEqual([3, 7]);
        expectTypeOf(sums[0]).toEqualTypeOf<number>();
    });

    it("asking for a reply that does not exist does not compile", () => {
        const {page} = wired();
        // @ts-expect-error a notice has no reply
        page.ask("log", {text: "x"}).catch(() => undefined);
        // @ts-expect-error there is no such message
        page.tell("unknown", {});
        // @ts-expect-error the payload has another type
        page.tell("log", {text: 3});
    });

    it("a failure keeps its code and its way out", async () => {
        await expect(wired().page.ask("fail", {})).rejects.toMatchObject({code: "kv-limit", fix: "Make room."});
    });

    it("notices go both ways", () => {
        const {page, link, logged} = wired();
        const shown: number[] = [];
        page.on("shown", ({n}) => shown.push(n));
        page.tell("log", {text: "hello"});
        link.post("shown", {n: 7});
        expect(logged).toEqual(["hello"]);
        expect(shown).toEqual([7]);
    });

    it.each([
        ["no object", "text"],
        ["null", null],
        ["no kind", {name: "log", payload: {text: "x"}}],
        ["an unknown kind", {kind: "command", name: "log", payload: {}}],
        ["a reply nobody asked for", {kind: "reply", id: 1, payload: 1}],
        ["more than there should be", {kind: "notice", name: "log", payload: {text: "x"}, extra: 1}],
        ["an unknown name", {kind: "notice", name: "format", payload: {}}],
        ["a name of the prototype", {kind: "notice", name: "constructor", payload: {}}],
        ["a name that is endless", {kind: "notice", name: "x".repeat(101), payload: {}}],
        ["a wrong payload", {kind: "notice", name: "log", payload: {text: "too long"}}],
        ["a question as a notice", {kind: "notice", name: "add", payload: {a: 1, b: 2}}],
    ])("a forged message does nothing: %s", async (_, message) => {
        const {send, logged, posted, warnings} = wired();
        send(message);
        await Promise.resolve();
        expect(logged).toEqual([]);
        expect(posted).toEqual([]);
        expect(warnings).toHaveLength(1);
    });

    it("a forged question is answered with a failure, never with a handler's work", async () => {
        const {send, posted} = wired();
        send({kind: "question", id: 3, name: "log", payload: {text: "x"}});
        send({kind: "question", id: 4, name: "add", payload: {a: "1", b: 2}});
        await new Promise((resolve) => setImmediate(resolve));
        expect(posted.map((frame) => [frame.kind, "id" in frame ? frame.id : -1])).toEqual([
            ["failure", 3],
            ["failure", 4],
        ]);
    });
});

describe("a page's HTML", () => {
    const place = {script: "https://x/a.js", style: "https://x/a.css", cspSource: "https://x", language: "en"};

    it("allows one script by nonce and nothing else", () => {
        const html = pageHtml({bundle: "chat", title: "Chat"}, place);
        const nonce = /script-src &#39;nonce-([^&]+)&#39;|script-src 'nonce-([^']+)'/
            .exec(html)
            ?.slice(1)
            .find(Boolean);
        expect(nonce).toBeTruthy();
        expect(html).toContain(`<script nonce="${nonce}"`);
        expect(html).toMatch(/default-src 'none'/);
        expect(html).not.toMatch(/unsafe-inline|unsafe-eval|script-src[^;]*https/);
        expect(html.match(/<script/g)).toHaveLength(1);
        expect(html).not.toMatch(/ on[a-z]+=|style="/);
    });

    it("has a new nonce each time", () => {
        const nonceOf = () => /nonce="([^"]+)"/.exec(pageHtml({bundle: "chat", title: "Chat"}, place))?.[1];
        expect(nonceOf()).not.toBe(nonceOf());
    });

    it("takes no HTML from its title", () => {
        expect(pageHtml({bundle: "chat", title: '</title><script>"x"</script>'}, place).match(/<script/g)).toHaveLength(
            1,
        );
    });
});
