/** The head profile: for each layer and KV head, the share of rows that it gets of a budget. */
import {t} from "../shared/l10n.js";
import {h} from "../shared/dom.js";
import {formatShare} from "./format.js";
import {type GridCursor, moveCursor} from "./grid-cursor.js";
import {type HeadGrid, headGrid, shade} from "./head-cells.js";
import type {PageContext, View} from "./page-context.js";
import type {PageState, ProfileState} from "./state.js";

export interface HeadsView extends View {
    /** Asks for the profile when it is not there yet. */
    load(): void;
}

export function createHeadsView({store, host}: PageContext): HeadsView {
    const intro = h(
        "p",
        {class: "dim"},
        t(
            "Not every attention head needs the same: a budget is shared out by how much each head of this model loses when its rows are cut.",
        ),
    );
    const body = h("div", {class: "heads-body"});
    const element = h("div", {class: "heads-view"}, intro, body);
    let shown: {profile: ProfileState; wanted: number} | undefined;
    let cursor: GridCursor = {row: 0, column: 0};

    const set = (profile: ProfileState) => store.dispatch({name: "profile", profile});

    async function load(): Promise<void> {
        const {name} = store.state().profile;
        if (name === "loading" || name === "measuring" || name === "ready") return;
        set({name: "loading"});
        try {
            const {profile} = await host.ask("headProfile", {});
            set(profile === null ? {name: "none"} : {name: "ready", report: profile});
        } catch (error) {
            set({name: "failed", error: failureOf(error)});
        }
    }

    async function measure(): Promise<void> {
        set({name: "measuring", share: 0});
        try {
            const {profile} = await host.ask("calibrate", {});
            set({name: "ready", report: profile});
        } catch (error) {
            set({name: "failed", error: failureOf(error)});
        }
    }

    function button(label: string, run: () => unknown): HTMLButtonElement {
        const made = h("button", {type: "button"}, label);
        made.addEventListener("click", () => void run());
        return made;
    }

    function render({profile, chosen, cache}: PageState): void {
        const wanted = chosen.profileShare ?? cache?.budget ?? 0.25;
        if (shown?.profile === profile && shown.wanted === wanted) return;
        shown = {profile, wanted};
        switch (profile.name) {
            case "unasked":
            case "loading":
                body.replaceChildren(h("p", {role: "status"}, t("Loading the profile…")));
                return;
            case "measuring": {
                const bar = h("progress", {max: 1, value: profile.share, "aria-label": t("Measuring")});
                body.replaceChildren(
                    h("p", {role: "status"}, t("Measuring, {0} done…", formatShare(profile.share))),
                    bar,
                );
                return;
            }
            case "none":
                body.replaceChildren(
                    h(
                        "p",
                        {},
                        t(
                            "This model has no profile yet: every head gets the same share. It is measured on your own files and takes a few minutes.",
                        ),
                    ),
                    button(t("Measure Now"), measure),
                );
                return;
            case "failed":
                body.replaceChildren(
                    h("p", {role: "alert"}, [profile.error.message, profile.error.fix ?? ""].join(" ")),
                    button(t("Try Again"), load),
                );
                return;
            case "ready":
                renderGrid(profile, wanted);
        }
    }

    function renderGrid({report}: Extract<ProfileState, {name: "ready"}>, wanted: number): void {
        const grid = headGrid(report, wanted);
        if (grid === undefined) {
            body.replaceChildren(h("p", {}, t("The profile holds no numbers.")), button(t("Measure Now"), measure));
            return;
        }
        const choice = h(
            "select",
            {"aria-label": t("Budget")},
            report.budgets.map(({share}) => h("option", {value: share}, t("Budget {0}", formatShare(share)))),
        );
        choice.value = String(grid.share);
        choice.addEventListener("change", () =>
            store.dispatch({name: "choose", chosen: {profileShare: Number(choice.value)}}),
        );
        const status = h("p", {class: "heads-status", role: "status"});
        const table = headTable(grid, status);
        const legend = h(
            "p",
            {class: "dim"},
            t(
                "The stronger the colour, the more rows: {0} to {1}, {2} on average.",
                formatShare(grid.least),
                formatShare(grid.most),
                formatShare(grid.mean),
            ),
        );
        body.replaceChildren(h("div", {class: "toolbar"}, choice), table, status, legend);
    }

    function headTable(grid: HeadGrid, status: HTMLElement): HTMLElement {
        const id = (row: number, column: number) => `head-${row}-${column}`;
        const table = h("div", {
            class: "heads",
            role: "grid",
            tabindex: 0,
            "aria-label": t("{0} layers, {1} KV heads", grid.nLayers, grid.nHeads),
        });
        table.style.setProperty("--heads", String(grid.nHeads));
        const cells = grid.perHead.map((heads, layer) =>
            heads.map((share, head) => {
                const cell = h(
                    "div",
                    {
                        id: id(layer, head),
                        class: "head",
                        role: "gridcell",
                        title: told(layer, head, share),
                        "aria-label": told(layer, head, share),
                    },
                    h("span", {class: "head-number", "aria-hidden": "true"}, String(Math.round(share * 100))),
                );
                cell.style.setProperty("--shade", shade(share, grid).toFixed(3));
                cell.addEventListener("click", () => moveTo({row: layer, column: head}));
                return cell;
            }),
        );
        const names = Array.from({length: grid.nHeads}, (_, head) => h("span", {class: "dim"}, String(head)));
        table.append(
            // For the eye: a screen reader hears layer and head with every cell.
            h(
                "div",
                {class: "head-row head-names", "aria-hidden": "true"},
                h("span", {class: "layer dim"}, t("layer / head")),
                names,
            ),
            ...cells.map((row, layer) =>
                h(
                    "div",
                    {class: "head-row", role: "row"},
                    h("span", {class: "dim layer", role: "rowheader"}, String(layer)),
                    row,
                ),
            ),
        );
        const moveTo = (next: GridCursor) => {
            cells[cursor.row]?.[cursor.column]?.classList.remove("current");
            cursor = next;
            const cell = cells[next.row]?.[next.column];
            cell?.classList.add("current");
            cell?.scrollIntoView({block: "nearest"});
            table.setAttribute("aria-activedescendant", id(next.row, next.column));
            status.textContent = told(next.row, next.column, grid.perHead[next.row]?.[next.column] ?? 0);
        };
        table.addEventListener("keydown", (event) => {
            const next = moveCursor(cursor, event, {
                firstRow: 0,
                nRows: grid.nLayers,
                nColumns: grid.nHeads,
                pageRows: 8,
            });
            if (next === undefined) return;
            event.preventDefault();
            moveTo(next);
        });
        table.addEventListener("focus", () => moveTo(cursor));
        return table;
    }

    return {element, load: () => void load(), update: render};
}

function told(layer: number, head: number, share: number): string {
    return t("Layer {0}, head {1}: {2} % of the rows", layer, head, (share * 100).toFixed(1));
}

function failureOf(error: unknown) {
    const {code, message, fix} = error as {code?: string; message?: string; fix?: string};
    return {
        code: (code ?? "internal") as "internal",
        message: message ?? String(error),
        ...(fix === undefined ? {} : {fix}),
    };
}
