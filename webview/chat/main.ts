/** The page's entry: connects the extension, the state and the views. */
import type {ChatProtocol, TokenColour} from "../../extension/protocol/webview/chat.js";
import {announce} from "../shared/accessibility.js";
import "../shared/base.css";
import {h} from "../shared/dom.js";
import {connectHost} from "../shared/messaging.js";
import {createStore} from "../shared/store.js";
import "./chat.css";
import {initialState, reduce, type ChatState} from "./chat-state.js";
import {setTexts, t} from "../shared/l10n.js";
import type {Page, View} from "./page.js";
import {spokenChange} from "./spoken.js";
import {composerView} from "./views/composer.js";
import {conversationView} from "./views/conversation.js";
import {emptyView} from "./views/empty.js";
import {headerView} from "./views/header.js";
import {historyView} from "./views/history.js";
import {newsView} from "./views/news.js";

const host = connectHost<ChatProtocol>();
const store = createStore(reduce, initialState);
const page: Page = {state: () => store.state(), dispatch: (action) => store.dispatch(action), host};

let isBuilt = false;

host.on("conversation", (conversation) => store.dispatch({type: "conversation", conversation}));
host.on("piece", (piece) => store.dispatch({type: "piece", ...piece}));
host.on("turn", (turn) => store.dispatch({type: "turn", ...turn}));
host.on("engine", (engine) => store.dispatch({type: "engine", engine}));
host.on("context", (context) => store.dispatch({type: "context", context}));
host.on("commands", (commands) => store.dispatch({type: "commands", commands}));
host.on("reviews", (reviews) => store.dispatch({type: "reviews", reviews}));
host.on("unsaved", ({error}) => store.dispatch({type: "unsaved", error}));
host.on("deleted", (deleted) => store.dispatch({type: "deleted", deleted}));
host.on("news", ({text}) => store.dispatch({type: "news", text}));
host.on("insert", ({text}) => {
    store.dispatch({type: "insert", text});
    focusQuestion();
});
host.on("focus", ({part}) => {
    if (part === "history") store.dispatch({type: "history", isOpen: true});
    else focusQuestion();
});
host.on("colours", (colours) => {
    for (const [name, colour] of Object.entries(colours)) setColour(name, colour);
});
// The views are built when the texts are there: the first thing that the extension says.
host.on("texts", (texts) => {
    setTexts(texts);
    if (!isBuilt) build();
});
host.tell("ready", {});

function build(): void {
    isBuilt = true;
    const views: View[] = [
        headerView(page),
        historyView(page),
        conversationView(page, emptyView(page)),
        newsView(page),
        composerView(page),
    ];
    document
        .getElementById("root")
        ?.append(
            h(
                "div",
                {class: "chat"},
                h("h1", {class: "visually-hidden"}, t("Kvasir Chat")),
                ...views.map(({element}) => element),
            ),
        );
    store.watch((state) => {
        for (const view of views) view.atOnce?.(state);
    });
    store.subscribe((state: ChatState, before) => {
        for (const view of views) view.update(state);
        const spoken = spokenChange(before, state);
        if (spoken !== undefined) announce(spoken);
    });
}

function focusQuestion(): void {
    document.querySelector<HTMLTextAreaElement>(".composer textarea")?.focus();
}

/** A colour of the theme, through the CSSOM: the policy of the page allows no inline style. */
function setColour(name: string, {colour, isItalic, isBold}: TokenColour): void {
    const {style} = document.documentElement;
    if (colour !== undefined) style.setProperty(`--kvasir-${name}`, colour);
    else style.removeProperty(`--kvasir-${name}`);
    style.setProperty(`--kvasir-${name}-style`, isItalic === true ? "italic" : "normal");
    style.setProperty(`--kvasir-${name}-weight`, isBold === true ? "bold" : "inherit");
}
