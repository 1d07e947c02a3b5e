/** States of the chat page, as the extension tells them. */
import type {
    AnswerView,
    ContextView,
    ConversationView,
    EngineView,
    QuestionView,
    ReviewView,
    SlashView,
} from "../../extension/protocol/webview/chat.js";

export const engine: EngineView = {state: "ready", model: "Qwen2.5-Coder-7B", files: {known: 59, read: 59}};

export const context: ContextView = {
    active: {path: "src/cart/cart.ts", selection: {startLine: 12, endLine: 18}},
    pinned: ["src/cart/price.ts"],
    open: 3,
    samples: [
        "What does this repository do, and where does it begin?",
        "How does @src/cart/cart.ts work, and who uses it?",
    ],
};

export const commands: SlashView[] = [
    {name: "explain", summary: "Explain the selection or the active file"},
    {name: "fix", summary: "Find and fix the problem in the selection or the active file"},
    {name: "tests", summary: "Write tests for the selection or the active file"},
];

export function question(id: string, text: string, more: Partial<QuestionView> = {}): QuestionView {
    return {id, role: "user", text, mentions: [], attached: [], excluded: [], ...more};
}

export function answer(id: string, text: string, more: Partial<AnswerView> = {}): AnswerView {
    return {
        id,
        role: "assistant",
        text,
        steps: [],
        thought: "",
        isRunning: false,
        isPartial: false,
        blocks: [],
        files: {},
        instructions: [],
        ...more,
    };
}

export const report: NonNullable<AnswerView["report"]> = {
    tokens: 212,
    ttftMs: 340,
    tokensPerSecond: 41.6,
    attended: [
        {path: "src/cart/price.ts", tokens: 812, keptRows: 203, why: "pinned"},
        {path: "src/cart/cart.ts", tokens: 1450, keptRows: 363, why: "open"},
        {path: "src/cart/tax.ts", tokens: 540, keptRows: 135, why: "imported", detail: "imported by src/cart/price.ts"},
        {
            path: "src/shop/checkout-with-a-very-long-name.ts",
            tokens: 2300,
            keptRows: 575,
            why: "matched",
            detail: "total, sum",
        },
    ],
    leftOut: [{path: "docs/prices.md", why: "not read yet"}],
    reusedTokens: 5102,
    readTokens: 0,
    stop: "endOfText",
    notes: [],
    conversationTokens: 300,
    conversationKeptRows: 300,
};

const code = `The total forgets the tax. \`src/cart/tax.ts\` already has what is needed:

\`\`\`ts src/cart/cart.ts
/** With tax, in cents. */
total(): number {
    let sum = 0;
    for (const item of this.items) {
        sum += withTax(price(item), "DE"); // 19 %
    }
    return Math.round(sum * 100) / 100;
}
\`\`\`

Then run the tests:

\`\`\`sh
npm test -- cart
\`\`\`

| place | before | after |
|---|--:|--:|
| \`total()\` | 100 | 119 |

1. **Prices** stay without tax.
2. See [the law](https://example.com/law) for *rounding*.
`;

export const conversation: ConversationView = {
    id: "conversation-1",
    name: "Why is the total of the cart too low?",
    draft: "",
    turns: [
        question("q1", "Why is the total in @src/cart/cart.ts too low? @selection", {
            mentions: [
                {start: 20, end: 37, path: "src/cart/cart.ts"},
                {start: 47, end: 57},
            ],
            attached: [{label: "src/cart/cart.ts:12-18", path: "src/cart/cart.ts", line: 12}],
        }),
        answer("a1", code, {
            thought: "The loop adds price(item).\nTax is in tax.ts, which is never called.",
            report,
            instructions: ["AGENTS.md"],
            files: {"src/cart/tax.ts": {path: "src/cart/tax.ts"}},
            blocks: [
                {
                    index: 0,
                    language: "ts",
                    path: "src/cart/cart.ts",
                    isNewFile: false,
                    actions: ["apply", "copy", "insert"],
                },
                {index: 1, language: "sh", isNewFile: false, actions: ["copy", "run"]},
            ],
            branch: {current: 1, count: 2},
        }),
    ],
};

export const review: ReviewView = {
    id: "review-1",
    turn: "a1",
    conversation: "conversation-1",
    title: "src/cart/cart.ts",
    files: [
        {
            path: "src/cart/cart.ts",
            change: "edit",
            isOpen: true,
            nAccepted: 1,
            nRejected: 0,
            nLost: 0,
            nMissing: 0,
            hunks: [
                {
                    id: "h1",
                    line: 12,
                    lines: [
                        {kind: "same", text: "    for (const item of this.items) {"},
                        {kind: "removed", text: "        sum += price(item);"},
                        {kind: "added", text: '        sum += withTax(price(item), "DE"); // 19 %'},
                        {kind: "same", text: "    }"},
                    ],
                },
                {
                    id: "h2",
                    line: 15,
                    lines: [
                        {kind: "removed", text: "    return sum;"},
                        {kind: "added", text: "    return Math.round(sum * 100) / 100;"},
                    ],
                },
            ],
        },
        {
            path: "src/cart/tax.test.ts",
            change: "create",
            isOpen: true,
            nAccepted: 0,
            nRejected: 0,
            nLost: 0,
            nMissing: 0,
            hunks: [],
        },
    ],
};
