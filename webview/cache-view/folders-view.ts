/** Totals by folder, in the order of a tree. */
import {t} from "../shared/l10n.js";
import {h} from "../shared/dom.js";
import {formatBytes, formatCount} from "./format.js";
import {icon} from "./icons.js";
import type {PageContext, View} from "./page-context.js";
import {sizeColumns} from "./size-columns.js";
import type {PageState} from "./state.js";
import {type FolderTotals, totalsByFolder} from "./totals.js";
import {createVirtualGrid, type GridColumn} from "./virtual-grid.js";

type FolderColumn = "folder" | "files" | "tokens" | "kept" | "bytes" | "uncut";

export function createFoldersView({store}: PageContext): View {
    const grid = createVirtualGrid<FolderTotals, FolderColumn>({
        name: "folders",
        label: t("Totals by folder; Enter shows a folder on the map"),
        columns: columns(),
        keyOf: ({folder}) => folder,
        classOf: () => "folder-row",
        onSelect: ({folder}) => {
            selected = folder;
            show();
        },
        onOpen: ({folder}) => store.dispatch({name: "choose", chosen: {tab: "map", folder}}),
    });
    const element = h("div", {class: "folders-view"}, grid.element);
    let files: PageState["files"];
    let rows: FolderTotals[] = [];
    let selected: string | undefined;
    const show = () => grid.show({rows, selected});
    return {
        element,
        update(state) {
            if (state.chosen.tab !== "folders" || state.files === files) return;
            files = state.files;
            rows = totalsByFolder(files?.values() ?? []);
            show();
        },
    };
}

function nameCell({folder, depth}: FolderTotals): (Node | string)[] {
    const name = h(
        "span",
        {class: "file-name"},
        folder === "" ? t("All files") : folder.slice(folder.lastIndexOf("/") + 1),
    );
    const indent = h("span", {class: "indent", "aria-hidden": "true"});
    indent.style.setProperty("width", `${depth}em`);
    const whole = h("span", {class: "visually-hidden"}, folder === "" ? "" : ` (${folder})`);
    return [indent, icon("folder"), name, whole];
}

function columns(): GridColumn<FolderTotals, FolderColumn>[] {
    const {tokens, kept, bytes} = sizeColumns<FolderTotals>(({totals}) => totals, 460);
    return [
        {id: "folder", title: t("Folder"), width: "minmax(0, 1fr)", isNumber: false, fromWidth: 0, cell: nameCell},
        {
            id: "files",
            title: t("Files"),
            width: "4.5em",
            isNumber: true,
            fromWidth: 380,
            cell: ({totals}) => [formatCount(totals.files)],
        },
        {id: "tokens", ...tokens},
        {id: "kept", ...kept},
        {id: "bytes", ...bytes},
        {
            id: "uncut",
            title: t("Uncut"),
            width: "5.5em",
            isNumber: true,
            fromWidth: 540,
            cell: ({totals}) => [formatBytes(totals.fullBytes)],
        },
    ];
}
