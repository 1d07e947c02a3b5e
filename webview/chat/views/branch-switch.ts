/** "2 / 3" with arrows: other endings from a turn on. */
import type {TurnView} from "../../../extension/protocol/webview/chat.js";
import {h} from "../../shared/dom.js";
import {t} from "../../shared/l10n.js";
import type {Page} from "../page.js";
import {button} from "./button.js";

export function branchSwitch(page: Page, turn: TurnView, isRunning: boolean): HTMLElement | undefined {
    const {branch} = turn;
    if (branch === undefined) return undefined;
    const show = (place: number) => () =>
        page.host.tell("showBranch", {conversation: page.state().conversation?.id ?? "", turn: turn.id, place});
    const earlier = button(
        {label: t("Earlier version"), icon: "chevron", isIconOnly: true, class: "back"},
        show(branch.current - 1),
    );
    const later = button({label: t("Later version"), icon: "chevron", isIconOnly: true}, show(branch.current + 1));
    earlier.disabled = isRunning || branch.current === 0;
    later.disabled = isRunning || branch.current === branch.count - 1;
    return h(
        "span",
        {class: "branches", role: "group", "aria-label": t("Versions from here on")},
        earlier,
        h(
            "span",
            {"aria-label": t("Version {0} of {1}", branch.current + 1, branch.count)},
            `${branch.current + 1} / ${branch.count}`,
        ),
        later,
    );
}
