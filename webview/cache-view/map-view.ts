/** The map: files as rectangles by their tokens, filled by what is kept of them. */
import {t} from "../shared/l10n.js";
import {h} from "../shared/dom.js";
import {folderCells, type MapCell} from "./folder-cells.js";
import {formatBytes, formatCount, formatFiles, formatShare} from "./format.js";
import {tierName} from "./icons.js";
import type {PageContext, View} from "./page-context.js";
import {keptShare, tiers} from "./select-files.js";
import type {PageState} from "./state.js";
import {type Direction, layoutMap, neighbour, type PlacedCell} from "./treemap.js";

/** More rectangles would be slivers, and slow. */
const maxCells = 400;
/** px: a smaller rectangle has no room for its name. */
const leastNamed = {width: 34, height: 16};

export function createMapView({store, actOnFiles}: PageContext): View {
    const path = h("nav", {class: "map-path", "aria-label": t("Folder shown")});
    const box = h("div", {class: "map", role: "group", "aria-label": t("Files by size; arrow keys move")});
    const hint = h(
        "p",
        {class: "dim map-hint"},
        h("span", {}, t("Area: tokens. Filled: share kept. Frame:")),
        tiers.map((tier) =>
            h(
                "span",
                {class: "map-key"},
                h("span", {class: `map-cell tier-${tier}`, "aria-hidden": "true"}),
                tierName(tier),
            ),
        ),
    );
    const element = h("div", {class: "map-view"}, path, box, hint);
    let state: PageState | undefined;
    let cells: readonly PlacedCell[] = [];
    let current: string | undefined;
    let shown: {files: PageState["files"]; folder: string; width: number; height: number} | undefined;
    const elements = new Map<string, HTMLButtonElement>();

    const enter = (folder: string) => store.dispatch({name: "choose", chosen: {folder}});

    function render(): void {
        if (state === undefined) return;
        const {width, height} = box.getBoundingClientRect();
        const {files, chosen} = state;
        if (
            shown === undefined ||
            shown.files !== files ||
            shown.folder !== chosen.folder ||
            shown.width !== width ||
            shown.height !== height
        ) {
            shown = {files, folder: chosen.folder, width, height};
            place(width, height);
            showPath(chosen.folder);
        }
        for (const [key, button] of elements) button.classList.toggle("selected", key === chosen.selected);
    }

    function place(width: number, height: number): void {
        const root = folderCells(
            state?.files?.values() ?? [],
            state?.chosen.folder ?? "",
            ({tokens}) => tokens,
            maxCells,
        );
        const layout = layoutMap(root, {width, height});
        cells = layout.cells;
        const isFocused = box.contains(document.activeElement);
        const frames = layout.folders.map(({path: folder, hasTitle, ...at}) => {
            const frame = h("div", {class: "map-folder"});
            if (hasTitle) {
                const name = h(
                    "button",
                    {type: "button", class: "quiet map-title", tabindex: -1, title: folder},
                    nameOf(folder),
                );
                name.addEventListener("click", () => enter(folder));
                frame.append(name);
            }
            put(frame, at);
            return frame;
        });
        const gone = new Set(elements.keys());
        for (const {cell, ...at} of cells) {
            gone.delete(cell.path);
            let button = elements.get(cell.path);
            if (button === undefined) {
                button = h("button", {type: "button"});
                button.dataset["path"] = cell.path;
                elements.set(cell.path, button);
            }
            dress(button, cell, at);
            put(button, at);
        }
        for (const key of gone) elements.delete(key);
        if (current === undefined || !elements.has(current)) current = cells[0]?.cell.path;
        box.replaceChildren(...frames, ...cells.map(({cell}) => elements.get(cell.path) as HTMLButtonElement));
        setCurrent(current, isFocused);
    }

    function setCurrent(next: string | undefined, hasFocus: boolean): void {
        current = next;
        for (const [key, button] of elements) button.tabIndex = key === next ? 0 : -1;
        if (hasFocus && next !== undefined) elements.get(next)?.focus();
    }

    function activate(key: string): void {
        const cell = cells.find((each) => each.cell.path === key)?.cell;
        if (cell === undefined) return;
        setCurrent(key, true);
        if (cell.file === undefined) enter(key);
        else store.dispatch({name: "choose", chosen: {selected: key}});
    }

    function showPath(folder: string): void {
        const parts = folder === "" ? [] : folder.split("/");
        const steps = ["", ...parts.map((_, at) => parts.slice(0, at + 1).join("/"))];
        path.replaceChildren(
            ...steps.flatMap((step, at) => {
                const button = h(
                    "button",
                    {type: "button", class: "quiet"},
                    step === "" ? t("All files") : nameOf(step),
                );
                if (at === steps.length - 1) button.setAttribute("aria-current", "true");
                button.addEventListener("click", () => enter(step));
                return at === 0 ? [button] : [h("span", {class: "dim", "aria-hidden": "true"}, "/"), button];
            }),
        );
    }

    box.addEventListener("click", (event) => {
        const key = (event.target as HTMLElement).closest<HTMLElement>("[data-path]")?.dataset["path"];
        if (key !== undefined) activate(key);
    });
    box.addEventListener("dblclick", (event) => {
        const key = (event.target as HTMLElement).closest<HTMLElement>("[data-path]")?.dataset["path"];
        if (key !== undefined && state?.files?.has(key) === true) actOnFiles("open", [key]);
    });
    box.addEventListener("keydown", (event) => {
        const from = cells.findIndex(({cell}) => cell.path === current);
        if (from < 0) return;
        const to = target(from, event.key);
        if (to !== undefined) {
            event.preventDefault();
            setCurrent(cells[to]?.cell.path, true);
        } else if (event.key === "Backspace" || event.key === "Escape") {
            const folder = state?.chosen.folder ?? "";
            if (folder === "") return;
            event.preventDefault();
            enter(folder.slice(0, Math.max(0, folder.lastIndexOf("/"))));
        }
    });

    function target(from: number, key: string): number | undefined {
        switch (key) {
            case "ArrowUp":
            case "ArrowDown":
            case "ArrowLeft":
            case "ArrowRight":
                return neighbour(cells, from, key satisfies Direction);
            // In reading order: every rectangle can be reached by these.
            case "PageDown":
                return Math.min(cells.length - 1, from + 1);
            case "PageUp":
                return Math.max(0, from - 1);
            case "Home":
                return 0;
            case "End":
                return cells.length - 1;
            default:
                return undefined;
        }
    }

    new ResizeObserver(render).observe(box);
    return {
        element,
        update(next) {
            state = next;
            if (next.chosen.tab === "map") render();
        },
    };
}

/** A rectangle's looks: where the rows are by its frame, how much is kept by its fill, both by its name. */
function dress(
    button: HTMLButtonElement,
    {path, file, totals}: MapCell,
    {width, height}: {width: number; height: number},
): void {
    const share = keptShare(totals);
    button.className = `map-cell ${file === undefined ? "folder" : `tier-${file.tier}`}${file?.pinned === true ? " pinned" : ""}`;
    const what =
        file === undefined
            ? t("folder {0}, {1}", path, formatFiles(totals.files))
            : [path, tierName(file.tier), ...(file.pinned ? [t("pinned")] : [])].join(", ");
    const label = t(
        "{0}: {1} tokens, {2} kept, {3} of {4}",
        what,
        formatCount(totals.tokens),
        formatShare(share),
        formatBytes(totals.bytes),
        formatBytes(totals.fullBytes),
    );
    button.setAttribute("aria-label", label);
    button.title = label;
    const fill = h("span", {class: "map-fill"});
    fill.style.setProperty("height", `${share * 100}%`);
    const hasName = width >= leastNamed.width && height >= leastNamed.height;
    button.replaceChildren(
        fill,
        ...(hasName ? [h("span", {class: "map-name"}, nameOf(path) + (file === undefined ? "/" : ""))] : []),
    );
}

function put(element: HTMLElement, {x, y, width, height}: {x: number; y: number; width: number; height: number}): void {
    element.style.setProperty("left", `${x}px`);
    element.style.setProperty("top", `${y}px`);
    element.style.setProperty("width", `${width}px`);
    element.style.setProperty("height", `${height}px`);
}

function nameOf(path: string): string {
    return path.slice(path.lastIndexOf("/") + 1);
}
