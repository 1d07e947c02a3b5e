/**
 * The list of what a mention may mean while its answers come: files and folders at once, symbols when a language server
 * has found them. Pure.
 */
import type {MentionItem} from "../../extension/protocol/webview/chat.js";

export type CompletionItem = Omit<MentionItem, "kind"> & {kind: MentionItem["kind"] | "slash"};

/** What the extension was asked for the letters in the text, by number, and which of its two answers are there. */
export interface MentionQuestion {
    number: number;
    hasPlaces: boolean;
    hasSymbols: boolean;
}

/** Symbols stand behind these, where they are seen without being in the way of a file. */
const nPlacesFirst = 8;
const maxItems = 30;

/** The list after one of the answers; the other part stays, symbols of earlier letters as far as they still fit. */
export function itemsAfter(
    before: readonly CompletionItem[],
    letters: string,
    answer: {of: "places" | "symbols"; items: readonly CompletionItem[]},
): CompletionItem[] {
    const wanted = letters.replace(/^symbol:/, "").toLowerCase();
    const places = answer.of === "places" ? answer.items : before.filter(({kind}) => kind !== "symbol");
    const symbols =
        answer.of === "symbols"
            ? answer.items
            : before.filter(({kind, label}) => kind === "symbol" && label.toLowerCase().includes(wanted));
    return [...places.slice(0, nPlacesFirst), ...symbols, ...places.slice(nPlacesFirst)].slice(0, maxItems);
}

/**
 * Where the selection is in the list that replaces one: with its item, when it was seen for these letters or somebody
 * moved there; else at the first.
 */
export function selectedAfter(
    before: {items: readonly CompletionItem[]; selected: number; asked: MentionQuestion | undefined},
    items: readonly CompletionItem[],
): number {
    const isMeant = before.selected > 0 || before.asked === undefined || !isAwaited(before);
    const item = isMeant ? before.items[before.selected] : undefined;
    const at = items.findIndex(({kind, insert}) => kind === item?.kind && insert === item.insert);
    return Math.max(at, 0);
}

/** Whether the items are not those of the letters yet, so that a key that takes one has to wait. */
export function isAwaited({
    items,
    asked,
}: {
    items: readonly CompletionItem[];
    asked: MentionQuestion | undefined;
}): boolean {
    return asked !== undefined && (!asked.hasPlaces || (items.length === 0 && !asked.hasSymbols));
}
