/** Owns what every view of the page is given: the state, and how something is done about it. */
import type {CacheViewProtocol, EngineAction, FileAction} from "../../extension/protocol/webview/cache-view.js";
import type {HostLink} from "../shared/messaging.js";
import type {Store} from "../shared/store.js";
import type {Action, PageState} from "./state.js";

export interface PageContext {
    host: HostLink<CacheViewProtocol>;
    store: Store<PageState, Action>;
    /** Shows it as under way and says when it is done; a failure is shown on the page. */
    actOnFiles: (action: FileAction, paths: readonly string[]) => void;
    actOnEngine: (action: EngineAction) => void;
    setBudget: (path: string, share: number | null) => void;
}

/** A part of the page. It is told every change of the state and shows its own share of it. */
export interface View {
    readonly element: HTMLElement;
    update(state: PageState): void;
}
