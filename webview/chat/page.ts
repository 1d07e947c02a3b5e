/** What every view of the page is given: the state, a way to change it, and the extension. */
import type {ChatProtocol} from "../../extension/protocol/webview/chat.js";
import type {HostLink} from "../shared/messaging.js";
import type {ChatAction, ChatState} from "./chat-state.js";

export interface Page {
    state(): ChatState;
    dispatch(action: ChatAction): void;
    host: HostLink<ChatProtocol>;
}

/** A part of the page: made once, then told of each new state. */
export interface View {
    element: HTMLElement;
    update(state: ChatState): void;
    /** What cannot wait for the next frame: a text in which somebody may be typing. */
    atOnce?(state: ChatState): void;
}
