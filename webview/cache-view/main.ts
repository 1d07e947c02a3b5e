/** The page's entry: connects to the extension and shows its state. */
import {isKvasirError} from "../../extension/protocol/errors.js";
import type {CacheViewProtocol, FileAction} from "../../extension/protocol/webview/cache-view.js";
import "../shared/base.css";
import {setTexts, t} from "../shared/l10n.js";
import {announce} from "../shared/accessibility.js";
import {h} from "../shared/dom.js";
import {connectHost} from "../shared/messaging.js";
import {createStore} from "../shared/store.js";
import "./cache-view.css";
import {createDetailsView} from "./details-view.js";
import {createEditCostView} from "./edit-cost-view.js";
import {createFilesView} from "./files-view.js";
import {createFoldersView} from "./folders-view.js";
import {createHeadsView} from "./heads-view.js";
import {createMapView} from "./map-view.js";
import {createNoticeView} from "./notice-view.js";
import type {PageContext} from "./page-context.js";
import {createReadingView} from "./reading-view.js";
import {initialState, reduce} from "./state.js";
import {createSummaryView} from "./summary-view.js";
import {createTabsView} from "./tabs-view.js";

const host = connectHost<CacheViewProtocol>();
const store = createStore(reduce, initialState(host.getState()));

/** Said when it is done; what opens something of its own speaks for itself. */
function doneText(action: FileAction): string | undefined {
    switch (action) {
        case "pin":
            return t("Pinned.");
        case "unpin":
            return t("Unpinned.");
        case "readAgain":
            return t("Read again.");
        case "drop":
            return t("Dropped.");
        case "exclude":
            return t("Left out.");
        default:
            return undefined;
    }
}

const errorDataOf = (error: unknown) =>
    isKvasirError(error) ? error.toJSON() : ({code: "internal", message: String(error)} as const);

async function during(paths: readonly string[], work: () => Promise<{isDone: boolean}>, said?: string): Promise<void> {
    store.dispatch({name: "begin", paths});
    try {
        const {isDone} = await work();
        store.dispatch({name: "end", paths});
        if (isDone && said !== undefined) announce(said);
    } catch (error) {
        const isCancelled = isKvasirError(error, "cancelled");
        store.dispatch({name: "end", paths, ...(isCancelled ? {} : {error: errorDataOf(error)})});
    }
}

const context: PageContext = {
    host,
    store,
    actOnFiles: (action, paths) =>
        void during(paths, () => host.ask("actOnFiles", {action, paths: [...paths]}), doneText(action)),
    actOnEngine: (action) => void during([], () => host.ask("actOnEngine", {action})),
    setBudget: (path, share) => void during([path], () => host.ask("setBudget", {path, share}), t("Budget set.")),
};

/** Puts the page together, once the texts of the editor's language are there. Answers how a file is brought into view. */
function build(): (path: string) => void {
    const files = createFilesView(context);
    const heads = createHeadsView(context);
    const details = createDetailsView(context);
    const tabs = createTabsView(context, {
        views: {files, map: createMapView(context), folders: createFoldersView(context), heads},
        onShow: (tab) => {
            if (tab === "heads") heads.load();
        },
    });
    const top = [
        createNoticeView(context),
        createSummaryView(context),
        createReadingView(context),
        createEditCostView(context),
    ];
    const content = h("div", {class: "content"}, tabs.element, details.element);
    const title = h("h1", {class: "visually-hidden"}, t("Kvasir: Cache"));
    const page = h("main", {class: "page"}, title, ...top.map(({element}) => element), content);
    document.querySelector("#root")?.append(page);
    store.subscribe((state, previous) => {
        content.hidden = (state.files?.size ?? 0) === 0;
        for (const view of [...top, tabs, details]) view.update(state);
        if (state.chosen !== previous?.chosen) host.setState(state.chosen);
    });
    return (path) => files.reveal(path);
}

let reveal: ((path: string) => void) | undefined;
host.on("texts", (texts) => {
    setTexts(texts);
    reveal ??= build();
});
host.on("state", (cache) => store.dispatch({name: "cache", cache}));
host.on("files", (change) => store.dispatch({name: "files", ...change}));
host.on("editCost", (editCost) => store.dispatch({name: "editCost", editCost: editCost ?? undefined}));
host.on("calibrating", ({share}) => store.dispatch({name: "profile", profile: {name: "measuring", share}}));
host.on("reveal", ({path}) => {
    store.dispatch({name: "choose", chosen: {tab: "files"}});
    reveal?.(path);
});
host.tell("ready", {});
