/**
 * Owns what became of the suggestions a person saw: shown, accepted, taken in part, typed along, rejected. The counts
 * never leave the machine.
 */

export interface Counts {
    readonly shown: number;
    /** Taken whole by a key. */
    readonly accepted: number;
    /** A word or line of it was taken, not all. */
    readonly partly: number;
    /** Typed to its end by hand. */
    readonly typed: number;
    readonly rejected: number;
    /** UTF-16 units that did not have to be typed. */
    readonly charsTaken: number;
}

/** The counts as they are kept. */
export interface Tally {
    /** Epoch ms. */
    readonly since: number;
    readonly byLanguage: Readonly<Record<string, Counts>>;
}

export const noCounts: Counts = {shown: 0, accepted: 0, partly: 0, typed: 0, rejected: 0, charsTaken: 0};

/** The suggestion on the screen. */
export interface ShownSuggestion {
    readonly id: string;
    readonly languageId: string;
    readonly document: string;
    /** Where its remaining text would go. */
    readonly offset: number;
    readonly remaining: string;
    /** Units that came by taking words or lines of it. */
    readonly takenChars: number;
}

export type SuggestionEvent =
    | {readonly kind: "shown"; id: string; languageId: string; document: string; offset: number; text: string}
    /** A change of the document: `inserted` replaces `removed` units at `offset`. */
    | {readonly kind: "changed"; document: string; offset: number; removed: number; inserted: string}
    /** The item's command ran. `length` in units when it was another suggestion of the answer than the one shown first. */
    | {readonly kind: "accepted"; id: string; length?: number}
    /** The cursor stands at `offset` now. */
    | {readonly kind: "moved"; document: string; offset: number}
    /** The editor was left. */
    | {readonly kind: "gone"};

export interface TallyState {
    readonly tally: Tally;
    readonly shown?: ShownSuggestion;
    /**
     * Those that ended last, the newest first: the command of an accepted item runs after its text is in, when the next
     * suggestion may be up already, and may be that of an answer which the editor preferred to a newer one.
     */
    readonly past: readonly PastSuggestion[];
}

/** A suggestion that is over, and how it was counted. */
export interface PastSuggestion {
    readonly id: string;
    readonly languageId: string;
    readonly counted: Counts;
    /** UTF-16 units of what was left of it and of what had been taken. */
    readonly length: number;
}

const nPast = 8;

/** Nothing on the screen, and these counts so far. */
export function startingFrom(tally: Tally): TallyState {
    return {tally, past: []};
}

/** What an event changes. Pure: the state given is not touched. */
export function tallied(state: TallyState, event: SuggestionEvent): TallyState {
    switch (event.kind) {
        case "shown":
            return onShown(state, event);
        case "changed":
            return onChanged(state, event);
        case "accepted":
            return onAccepted(state, event);
        case "moved":
            return event.document === state.shown?.document && event.offset === state.shown.offset
                ? state
                : ended(state);
        case "gone":
            return ended(state);
    }
}

function onShown(state: TallyState, event: Extract<SuggestionEvent, {kind: "shown"}>): TallyState {
    const {shown} = state;
    // The same suggestion, shorter by what was typed: seen before, counted before.
    if (shown?.id === event.id) return {...state, shown: {...shown, offset: event.offset, remaining: event.text}};
    const before = ended(state);
    return {
        ...before,
        tally: counted(before.tally, event.languageId, {shown: 1}),
        shown: {
            id: event.id,
            languageId: event.languageId,
            document: event.document,
            offset: event.offset,
            remaining: event.text,
            takenChars: 0,
        },
    };
}

function onChanged(state: TallyState, event: Extract<SuggestionEvent, {kind: "changed"}>): TallyState {
    const {shown} = state;
    if (shown === undefined || shown.document !== event.document) return state;
    const along = event.offset === shown.offset ? alongWith(event.inserted, shown.remaining) : undefined;
    if (along === undefined) return ended(state);
    // One key gives one character, or a line break with its indentation.
    const isTaken = along.length > 1 && along.trim() !== "";
    const next: ShownSuggestion = {
        ...shown,
        // In the document's own line breaks, which may be longer than those of the suggestion.
        offset: shown.offset + (along.length === 1 && isPair(event.inserted) ? 1 : event.inserted.length),
        remaining: shown.remaining.slice(along.length),
        takenChars: shown.takenChars + (isTaken ? along.length : 0),
    };
    return next.remaining === "" ? ended({...state, shown: next}) : {...state, shown: next};
}

function onAccepted(state: TallyState, {id, length}: Extract<SuggestionEvent, {kind: "accepted"}>): TallyState {
    const over = state.shown?.id === id ? ended(state) : state;
    const suggestion = over.past.find((past) => past.id === id);
    if (suggestion === undefined) return state;
    const taken = {accepted: 1, charsTaken: length ?? suggestion.length};
    return {
        ...over,
        tally: counted(over.tally, suggestion.languageId, sum(negative(suggestion.counted), taken)),
        past: over.past.filter((past) => past !== suggestion),
    };
}

/** The shown suggestion is over: what it was worth is read from how far it got, until its command says otherwise. */
function ended({tally, shown, past}: TallyState): TallyState {
    if (shown === undefined) return {tally, past};
    const {id, languageId, takenChars, remaining} = shown;
    const worth = takenChars > 0 ? {partly: 1, charsTaken: takenChars} : remaining === "" ? {typed: 1} : {rejected: 1};
    const over = {id, languageId, counted: {...noCounts, ...worth}, length: takenChars + remaining.length};
    return {tally: counted(tally, languageId, worth), past: [over, ...past].slice(0, nPast)};
}

/** How much of the suggestion an insertion brings. An editor adds the closing bracket: `(` arrives as `()`. */
function alongWith(change: string, remaining: string): string | undefined {
    const inserted = change.replaceAll("\r\n", "\n");
    if (inserted !== "" && remaining.startsWith(inserted)) return inserted;
    return isPair(inserted) && remaining.startsWith(inserted.charAt(0)) ? inserted.charAt(0) : undefined;
}

function isPair(inserted: string): boolean {
    return ["()", "[]", "{}", '""', "''", "``"].includes(inserted);
}

function counted(tally: Tally, languageId: string, added: Partial<Counts>): Tally {
    const before = tally.byLanguage[languageId] ?? noCounts;
    return {...tally, byLanguage: {...tally.byLanguage, [languageId]: sum(before, added)}};
}

function sum(a: Counts, b: Partial<Counts>): Counts {
    return {
        shown: a.shown + (b.shown ?? 0),
        accepted: a.accepted + (b.accepted ?? 0),
        partly: a.partly + (b.partly ?? 0),
        typed: a.typed + (b.typed ?? 0),
        rejected: a.rejected + (b.rejected ?? 0),
        charsTaken: a.charsTaken + (b.charsTaken ?? 0),
    };
}

function negative(counts: Counts): Counts {
    return {
        shown: -counts.shown,
        accepted: -counts.accepted,
        partly: -counts.partly,
        typed: -counts.typed,
        rejected: -counts.rejected,
        charsTaken: -counts.charsTaken,
    };
}

/** All languages together. */
export function totalOf({byLanguage}: Tally): Counts {
    return Object.values(byLanguage).reduce((total, counts) => sum(total, counts), noCounts);
}

/** A tally from kept data; anything that is not one starts anew. */
export function tallyFrom(kept: unknown, nowMs: number): Tally {
    const fresh = {since: nowMs, byLanguage: {}};
    if (typeof kept !== "object" || kept === null) return fresh;
    const {since, byLanguage} = kept as Partial<Tally>;
    if (typeof since !== "number" || typeof byLanguage !== "object" || byLanguage === null) return fresh;
    const isCounts = (value: unknown): value is Counts =>
        typeof value === "object" &&
        value !== null &&
        Object.keys(noCounts).every((key) => Number.isSafeInteger((value as Record<string, unknown>)[key]));
    return {since, byLanguage: Object.fromEntries(Object.entries(byLanguage).filter(([, value]) => isCounts(value)))};
}
