/** Buttons with an icon, a text or both; one without text has its name for screen readers and as a tooltip. */
import {h} from "../../shared/dom.js";
import {icon, type IconName} from "./icon.js";

export interface ButtonOptions {
    label: string;
    icon?: IconName;
    /** Shows the icon alone. */
    isIconOnly?: boolean;
    class?: string;
    /** Tooltip, when it says more than the label. */
    title?: string;
    isPressed?: boolean;
}

export function button(options: ButtonOptions, onClick: (event: MouseEvent) => void): HTMLButtonElement {
    const {label, isIconOnly = false, isPressed} = options;
    const element = h(
        "button",
        {
            type: "button",
            class: [isIconOnly ? "icon-button quiet" : "", options.class ?? ""].join(" ").trim(),
            title: options.title ?? (isIconOnly ? label : undefined),
            "aria-label": isIconOnly ? label : undefined,
            "aria-pressed": isPressed === undefined ? undefined : String(isPressed),
        },
        options.icon === undefined ? undefined : icon(options.icon),
        isIconOnly ? undefined : h("span", {}, label),
    );
    element.addEventListener("click", onClick);
    return element;
}
