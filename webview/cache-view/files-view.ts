/** The sorted list of files, with its search and filter. */
import type {FileStatus} from "../../extension/protocol/engine.js";
import {t} from "../shared/l10n.js";
import {announce} from "../shared/accessibility.js";
import {h} from "../shared/dom.js";
import {formatAgo, formatCount, formatFiles} from "./format.js";
import {icon, tierName} from "./icons.js";
import type {PageContext, View} from "./page-context.js";
import {selectFiles} from "./select-files.js";
import {sizeColumns} from "./size-columns.js";
import {type Chosen, type Column, type Filter, filters, type PageState} from "./state.js";
import {createVirtualGrid, type GridColumn} from "./virtual-grid.js";

/** Keys on a row, as told in the details. */
const keys: Readonly<Record<string, Parameters<PageContext["actOnFiles"]>[0]>> = {
    o: "open",
    b: "chooseBudget",
    r: "readAgain",
    x: "exclude",
    h: "heatMap",
    Delete: "drop",
};

export interface FilesView extends View {
    reveal(path: string): void;
}

export function createFilesView({store, actOnFiles}: PageContext): FilesView {
    const choose = (chosen: Partial<Chosen>) => store.dispatch({name: "choose", chosen});
    const names = filterNames();
    const search = h("input", {type: "search", placeholder: t("Search paths"), "aria-label": t("Search paths")});
    const filter = h(
        "select",
        {"aria-label": t("Which files")},
        filters.map((each) => h("option", {value: each}, names[each])),
    );
    const count = h("span", {class: "dim count"});
    const empty = h("p", {class: "empty"});
    search.addEventListener("input", () => choose({search: search.value}));
    filter.addEventListener("change", () => choose({filter: filter.value as Filter}));

    const grid = createVirtualGrid<FileStatus, Column>({
        name: "files",
        label: t("Files"),
        columns: columns(),
        keyOf: ({path}) => path,
        classOf: ({tier, reason}) => `tier-${reason === undefined ? tier : "skipped"}`,
        onSort: (column) => store.dispatch({name: "sort", column}),
        onSelect: ({path}) => choose({selected: path}),
        onOpen: ({path}) => actOnFiles("open", [path]),
        onKey({path, pinned}, {key, ctrlKey, metaKey, altKey}) {
            if (ctrlKey || metaKey || altKey) return false;
            const action = key === "p" || key === " " ? (pinned ? "unpin" : "pin") : keys[key];
            if (action === undefined) return false;
            actOnFiles(action, [path]);
            return true;
        },
    });
    const element = h(
        "div",
        {class: "files-view"},
        h("div", {class: "toolbar"}, search, filter, count),
        grid.element,
        empty,
    );
    let shown: Pick<PageState, "files"> & Pick<Chosen, "search" | "filter" | "sort"> = {
        files: undefined,
        search: "",
        filter: "all",
        sort: {column: "path", isDescending: false},
    };
    let rows: FileStatus[] = [];
    return {
        element,
        reveal(path) {
            if (!rows.some((row) => row.path === path)) choose({search: "", filter: "all"});
            choose({selected: path});
            requestAnimationFrame(() => grid.reveal(path));
        },
        update({files, chosen}) {
            const {search: words, filter: only, sort, selected} = chosen;
            if (search.value !== words) search.value = words;
            filter.value = only;
            if (files !== shown.files || words !== shown.search || only !== shown.filter || sort !== shown.sort) {
                const isNarrowed = words !== shown.search || only !== shown.filter;
                rows = selectFiles(files?.values() ?? [], chosen);
                shown = {files, search: words, filter: only, sort};
                const n = files?.size ?? 0;
                count.textContent =
                    rows.length === n ? formatFiles(n) : t("{0} of {1}", formatCount(rows.length), formatFiles(n));
                if (isNarrowed) announce(count.textContent);
            }
            const isEmpty = rows.length === 0 && (files?.size ?? 0) > 0;
            empty.hidden = !isEmpty;
            empty.textContent = isEmpty ? emptyText(only, words) : "";
            grid.element.hidden = isEmpty;
            grid.show({rows, selected, sort});
        },
    };
}

function nameCell({path, pinned, tier, reason}: FileStatus): (Node | string)[] {
    const slash = path.lastIndexOf("/");
    const parts: (Node | string)[] = [
        icon(reason === undefined ? tier : "skipped"),
        h("span", {class: "file-name"}, path.slice(slash + 1)),
        h("span", {class: "dim file-folder"}, slash < 0 ? "" : path.slice(0, slash)),
        h("span", {class: "visually-hidden"}, `, ${reason === undefined ? tierName(tier) : t("never read")}`),
    ];
    if (pinned) parts.splice(1, 0, icon("pin"), h("span", {class: "visually-hidden"}, t("pinned") + " "));
    return parts;
}

function emptyText(filter: Filter, search: string): string {
    if (search.trim() !== "") return t('No path has "{0}" in it.', search.trim());
    switch (filter) {
        case "attended":
            return t("No answer has seen a file yet. Ask a question: the files it sees appear here.");
        case "pinned":
            return t("Nothing is pinned. A pinned file is seen by every question: choose one in the list and press P.");
        case "disk":
            return t("Every file that was read is in memory.");
        case "known":
            return t("Every file is read.");
        case "unread":
            return t("No file is left out.");
        case "memory":
            return t("No file is in memory yet.");
        case "all":
            return "";
    }
}

function filterNames(): Readonly<Record<Filter, string>> {
    return {
        all: t("All files"),
        attended: t("Attended"),
        memory: t("In memory"),
        disk: t("On disk"),
        known: t("Not read yet"),
        pinned: t("Pinned"),
        unread: t("Never read"),
    };
}

function columns(): GridColumn<FileStatus, Column>[] {
    const {tokens, kept, bytes} = sizeColumns<FileStatus>((file) => file, 420);
    return [
        {id: "path", title: t("File"), width: "minmax(0, 1fr)", isNumber: false, fromWidth: 0, cell: nameCell},
        {id: "tokens", ...tokens},
        {id: "kept", ...kept},
        {id: "bytes", ...bytes},
        {
            id: "tier",
            title: t("Where"),
            width: "7em",
            isNumber: false,
            fromWidth: 520,
            cell: ({tier, reason}) => [reason === undefined ? tierName(tier) : t("never read")],
        },
        {
            id: "refined",
            title: t("Refined"),
            width: "5em",
            isNumber: false,
            fromWidth: 760,
            cell: ({refined}) => [refined ? t("yes") : ""],
        },
        {
            id: "seen",
            title: t("Attended"),
            width: "8em",
            isNumber: false,
            fromWidth: 680,
            cell: ({lastAttendedMs}) => [lastAttendedMs === undefined ? "" : formatAgo(lastAttendedMs, Date.now())],
        },
        {
            id: "hits",
            title: t("Hits"),
            width: "4em",
            isNumber: true,
            fromWidth: 620,
            cell: ({hits}) => [hits === 0 ? "" : formatCount(hits)],
        },
    ];
}
