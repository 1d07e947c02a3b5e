/** The conversation's name and what can be done with it, and beneath it what is going wrong or on. */
import type {EngineView} from "../../../extension/protocol/webview/chat.js";
import {h} from "../../shared/dom.js";
import type {ChatState} from "../chat-state.js";
import {t} from "../../shared/l10n.js";
import type {Page, View} from "../page.js";
import {compact} from "./answer-report.js";
import {button} from "./button.js";
import {errorBox} from "./error-box.js";
import {icon} from "./icon.js";

export function headerView(page: Page): View {
    const title = h("div", {class: "title"});
    const id = () => page.state().conversation?.id ?? "";
    const remove = button({label: t("Delete this conversation"), icon: "trash", isIconOnly: true}, () =>
        page.host.tell("deleteConversation", {conversation: id()}),
    );
    // Beginning one, the list and the export are in the title of the view.
    const row = h("div", {class: "header-row"}, title, remove);
    const banners = h("div", {class: "banners"});
    const element = h("header", {class: "header"}, row, banners);
    let titleKey = "";
    let bannerKey = "";
    return {
        element,
        update(state) {
            const {conversation, isRenaming} = state;
            const key = JSON.stringify([conversation?.id, conversation?.name, isRenaming]);
            if (key !== titleKey) {
                titleKey = key;
                title.replaceChildren(isRenaming ? renameField(page, state) : nameButton(page, state));
            }
            row.hidden = conversation === undefined || conversation.turns.length === 0;
            const nextBanner = JSON.stringify([
                state.unsaved,
                state.deleted,
                bannerOf(state.engine),
                state.conversation?.turns.length === 0,
            ]);
            if (nextBanner === bannerKey) return;
            bannerKey = nextBanner;
            banners.replaceChildren(...bannersOf(page, state));
        },
    };
}

function nameButton(page: Page, {conversation}: ChatState): HTMLElement {
    const name = conversation?.name ?? "";
    const element = button({label: name, class: "quiet name", title: t("Rename this conversation")}, () =>
        page.dispatch({type: "rename", isRenaming: true}),
    );
    element.setAttribute("aria-label", t("{0}: rename this conversation", name));
    return h("h1", {}, element);
}

function renameField(page: Page, {conversation}: ChatState): HTMLElement {
    const field = h("input", {
        type: "text",
        class: "rename",
        maxlength: 200,
        "aria-label": t("Name of the conversation"),
    });
    field.value = conversation?.name ?? "";
    let isDone = false;
    const end = (isKept: boolean) => {
        if (isDone) return;
        isDone = true;
        if (isKept && conversation !== undefined && field.value.trim() !== "" && field.value !== conversation.name) {
            page.host.tell("renameConversation", {conversation: conversation.id, name: field.value});
        }
        page.dispatch({type: "rename", isRenaming: false});
    };
    field.addEventListener("keydown", (event) => {
        if (event.key === "Enter") end(true);
        else if (event.key === "Escape") end(false);
    });
    field.addEventListener("blur", () => end(true));
    queueMicrotask(() => {
        field.focus();
        field.select();
    });
    return field;
}

/** What the banner about the engine says; undefined when there is nothing to say. */
function bannerOf(engine: EngineView | undefined): {text: string; value?: number; max?: number} | undefined {
    if (engine === undefined) return undefined;
    const {state, progress} = engine;
    if (state === "starting") return {text: t("Starting the engine…")};
    if (state === "loading")
        return {text: engine.model === undefined ? t("Loading the model…") : t("Loading {0}…", engine.model)};
    if (state === "waiting") return {text: t("The engine has ended and is being started again…")};
    if (state === "paused") return {text: t("Reading is paused.")};
    if (progress === undefined || progress.filesTotal === 0) return undefined;
    if (progress.measuredShare !== undefined)
        return {text: t("Measuring once what each head of this model needs"), value: progress.measuredShare, max: 1};
    const left =
        progress.secondsLeft === undefined
            ? ""
            : progress.secondsLeft < 90
              ? t(", {0} s left", Math.ceil(progress.secondsLeft))
              : t(", {0} min left", Math.ceil(progress.secondsLeft / 60));
    // Of one file the number says nothing.
    if (progress.filesTotal === 1 && progress.path !== undefined)
        return {
            text: t("Reading {0}{1}", progress.path, left),
            value: progress.tokensDone,
            max: Math.max(1, progress.tokensTotal),
        };
    return {
        text: t(
            "Reading: {0} of {1} files, {2} of {3} tokens{4}",
            progress.filesDone,
            progress.filesTotal,
            compact(progress.tokensDone),
            compact(progress.tokensTotal),
            left,
        ),
        value: progress.tokensDone,
        max: Math.max(1, progress.tokensTotal),
    };
}

function bannersOf(page: Page, state: ChatState): HTMLElement[] {
    const {unsaved, deleted, engine, conversation} = state;
    const shown: HTMLElement[] = [];
    if (unsaved !== undefined) {
        const error = {...unsaved, message: t("This conversation is not saved: {0}", unsaved.message)};
        shown.push(errorBox(error, (remedy) => page.host.tell("remedy", {remedy}), ["retry"]));
    }
    if (deleted !== undefined) {
        shown.push(
            h(
                "div",
                {class: "banner"},
                icon("trash"),
                h("span", {class: "banner-text"}, t("Deleted: {0}", deleted.name)),
                button({label: t("Undo"), class: "secondary"}, () => {
                    page.host.tell("restoreConversation", {conversation: deleted.conversation});
                    page.dispatch({type: "deleted", deleted: undefined});
                }),
                button({label: t("Close"), icon: "close", isIconOnly: true}, () =>
                    page.dispatch({type: "deleted", deleted: undefined}),
                ),
            ),
        );
    }
    // An empty conversation says it in its middle.
    if (engine?.state === "failed" && engine.error !== undefined && (conversation?.turns.length ?? 0) > 0) {
        shown.push(errorBox(engine.error, (remedy) => page.host.tell("remedy", {remedy}), ["retry"]));
    }
    const banner = bannerOf(engine);
    if (banner !== undefined) {
        const {text, value, max} = banner;
        shown.push(
            h(
                "div",
                {class: "banner quiet-banner"},
                h("span", {class: "banner-text"}, text),
                value === undefined
                    ? undefined
                    : h("progress", {value, max, "aria-label": t("Reading the repository")}),
                engine?.state === "paused"
                    ? button({label: t("Resume"), class: "secondary"}, () =>
                          page.host.tell("remedy", {remedy: "resume"}),
                      )
                    : undefined,
            ),
        );
    }
    return shown;
}
