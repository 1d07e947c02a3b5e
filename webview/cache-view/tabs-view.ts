/** The four ways to look at the same files, as tabs. */
import {t} from "../shared/l10n.js";
import {roveFocus} from "../shared/accessibility.js";
import {h} from "../shared/dom.js";
import type {PageContext, View} from "./page-context.js";
import {type Tab, tabs} from "./state.js";

export interface TabsOptions {
    views: Readonly<Record<Tab, View>>;
    onShow: (tab: Tab) => void;
}

export function createTabsView({store}: PageContext, {views, onShow}: TabsOptions): View {
    const tabNames: Readonly<Record<Tab, string>> = {
        files: t("Files"),
        map: t("Map"),
        folders: t("Folders"),
        heads: t("Heads"),
    };
    const buttons = new Map<Tab, HTMLButtonElement>();
    const panels = new Map<Tab, HTMLElement>();
    for (const tab of tabs) {
        const button = h(
            "button",
            {type: "button", class: "quiet tab", role: "tab", id: `tab-${tab}`, "aria-controls": `panel-${tab}`},
            tabNames[tab],
        );
        button.addEventListener("click", () => store.dispatch({name: "choose", chosen: {tab}}));
        buttons.set(tab, button);
        panels.set(
            tab,
            h(
                "div",
                {class: "panel", role: "tabpanel", id: `panel-${tab}`, "aria-labelledby": `tab-${tab}`},
                views[tab].element,
            ),
        );
    }
    const list = h("div", {class: "tabs", role: "tablist", "aria-label": t("Ways to look")}, [...buttons.values()]);
    roveFocus(list, "[role=tab]", "horizontal");
    const element = h("div", {class: "tabs-view"}, list, [...panels.values()]);
    let shown: Tab | undefined;
    return {
        element,
        update(state) {
            const {tab} = state.chosen;
            if (tab !== shown) {
                shown = tab;
                for (const [each, button] of buttons) {
                    button.setAttribute("aria-selected", String(each === tab));
                    button.tabIndex = each === tab ? 0 : -1;
                }
                for (const [each, panel] of panels) panel.hidden = each !== tab;
                onShow(tab);
            }
            views[tab].update(state);
        },
    };
}
