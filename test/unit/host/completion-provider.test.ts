/** What VS Code is given: one item for what comes by itself, several for who asks, each where it belongs. */
import {expect, it, vi} from "vitest";
import type * as vscode from "vscode";
import type {SuggestionEvent} from "../../../extension/core/completion/tally.js";
import type {CompletionState} from "../../../extension/host/completion/completion-state.js";
import {Completer} from "../../../extension/host/completion/completer.js";
import {CompletionCache} from "../../../extension/host/completion/completion-cache.js";
import {CompletionProvider} from "../../../extension/host/completion/provider.js";
import type {Ctx} from "../../../extension/host/ctx.js";
import type {CompleteRequest, CompletionReport} from "../../../extension/protocol/engine.js";

// The few things of VS Code that the provider makes or looks at.
vi.mock("vscode", () => {
    class Position {
        constructor(
            readonly line: number,
            readonly character: number,
        ) {}
        translate(lines: number, characters: number) {
            return new Position(this.line + lines, this.character + characters);
        }
    }
    return {
        Position,
        Range: class {
            constructor(
                readonly start: Position,
                readonly end: Position,
            ) {}
        },
        InlineCompletionItem: class {
            constructor(
                readonly insertText: string,
                readonly range: unknown,
                readonly command: unknown,
            ) {}
        },
        InlineCompletionTriggerKind: {Invoke: 0, Automatic: 1},
        EndOfLine: {LF: 1, CRLF: 2},
        workspace: {isTrusted: true, notebookDocuments: [], fs: {isWritableFileSystem: () => true}},
        extensions: {getExtension: () => undefined},
        l10n: {t: (text: string) => text},
    };
});
const {InlineCompletionTriggerKind, Position} = await import("vscode");

/** A document of one line. */
function documentOf(text: string): vscode.TextDocument {
    const document = {
        uri: {scheme: "file", path: "/w/a.ts", toString: () => "file:///w/a.ts"},
        languageId: "typescript",
        eol: 1,
        lineCount: 1,
        getText: () => text,
        lineAt: () => ({text, range: {end: new Position(0, text.length)}}),
        offsetAt: ({character}: vscode.Position) => character,
    };
    return document as unknown as vscode.TextDocument;
}

function setUp() {
    const asked: CompleteRequest[] = [];
    const counted: SuggestionEvent[] = [];
    const completer = new Completer({
        engine: {
            complete: async (request) => {
                asked.push(request);
                const several = {candidates: ["f(1)", "f(2)", "[]"]};
                return {text: "f(1)", ...((request.n ?? 1) > 1 ? several : {})} as CompletionReport;
            },
        },
        cache: new CompletionCache(),
        now: () => 0,
        wait: async () => {},
        shortestWaitMs: () => 0,
        isIdle: () => false,
    });
    const values: Record<string, unknown> = {"completion.enabled": true, "completion.languages": {}};
    const ctx = {
        settings: {get: (name: string) => values[name] ?? 32},
        workspace: {id: "w", pathOf: () => "a.ts", choice: () => ({})},
        engine: {connection: () => ({name: "connected"})},
        log: {warn: (message: string, error: unknown) => expect.unreachable(`${message} ${String(error)}`)},
    } as unknown as Ctx;
    const state = {isSnoozed: false, set: () => {}, count: (event: SuggestionEvent) => counted.push(event)};
    const provider = new CompletionProvider(ctx, completer, state as unknown as CompletionState);
    const token = {isCancellationRequested: false, onCancellationRequested: () => ({dispose: () => {}})};
    /** `|` is the cursor. */
    const provide = async (marked: string, triggerKind: vscode.InlineCompletionTriggerKind) => {
        const at = marked.indexOf("|");
        const document = documentOf(marked.replace("|", ""));
        const context = {triggerKind, selectedCompletionInfo: undefined} as vscode.InlineCompletionContext;
        return provider.provideInlineCompletionItems(document, new Position(0, at), context, token);
    };
    return {provide, asked, counted};
}

const shown = (items: vscode.InlineCompletionItem[] | undefined) =>
    items?.map(({insertText, range}) => [insertText, range?.start.character, range?.end.character]);

it("an explicit request gives several distinct items, counted as one that was shown", async () => {
    const {provide, asked, counted} = setUp();
    const items = await provide("a = |;", InlineCompletionTriggerKind.Invoke);
    expect(shown(items)).toEqual([
        ["f(1)", 4, 4],
        ["f(2)", 4, 4],
        ["[]", 4, 4],
    ]);
    expect(asked.map(({n}) => n)).toEqual([3]);
    expect(counted).toMatchObject([{kind: "shown", text: "f(1)"}]);
    const [id] = items![0]!.command!.arguments as [string];
    expect(items!.map(({command}) => command?.arguments)).toEqual([[id], [id, 4], [id, 2]]);
});

it("what comes by itself is one item, and typed along each replaces the bracket that the editor closed", async () => {
    const {provide, asked} = setUp();
    expect(shown(await provide("b = |;", InlineCompletionTriggerKind.Automatic))).toEqual([["f(1)", 4, 4]]);
    await provide("a = |;", InlineCompletionTriggerKind.Invoke);
    expect(shown(await provide("a = f(|);", InlineCompletionTriggerKind.Automatic))).toEqual([
        ["1)", 6, 7],
        ["2)", 6, 7],
    ]);
    expect(asked.map(({n}) => n)).toEqual([undefined, 3]);
});
