/** Owns what pages share for keyboards and screen readers: spoken news, and lists with one tab stop. */

let region: HTMLElement | undefined;

/** Has a screen reader say something without moving the focus. */
export function announce(text: string, urgency: "polite" | "assertive" = "polite"): void {
    if (region === undefined || !region.isConnected) {
        region = document.createElement("div");
        region.className = "visually-hidden";
        document.body.append(region);
    }
    region.setAttribute("aria-live", urgency);
    // The same text twice is said twice only when the node changes.
    region.textContent = "";
    region.append(document.createTextNode(text));
}

/**
 * One tab stop for a list or toolbar: arrow keys, Home and End move inside it (WAI-ARIA practices, roving tabindex).
 * Works with items that come and go. Answers its end.
 */
export function roveFocus(
    container: HTMLElement,
    itemSelector: string,
    orientation: "vertical" | "horizontal" | "both" = "vertical",
): () => void {
    const items = () => [...container.querySelectorAll<HTMLElement>(itemSelector)];
    const setCurrent = (current: HTMLElement) => {
        for (const item of items()) item.tabIndex = item === current ? 0 : -1;
    };
    const next = orientation === "horizontal" ? ["ArrowRight"] : ["ArrowDown"];
    const previous = orientation === "horizontal" ? ["ArrowLeft"] : ["ArrowUp"];
    if (orientation === "both") {
        next.push("ArrowRight");
        previous.push("ArrowLeft");
    }
    const onKey = (event: KeyboardEvent) => {
        const all = items();
        const at = all.indexOf(document.activeElement as HTMLElement);
        if (at === -1) return;
        const to = next.includes(event.key)
            ? at + 1
            : previous.includes(event.key)
              ? at - 1
              : event.key === "Home"
                ? 0
                : event.key === "End"
                  ? all.length - 1
                  : undefined;
        const target = to === undefined ? undefined : all[Math.max(0, Math.min(all.length - 1, to))];
        if (target === undefined) return;
        event.preventDefault();
        setCurrent(target);
        target.focus();
    };
    const onFocus = (event: FocusEvent) => {
        const item = (event.target as HTMLElement).closest<HTMLElement>(itemSelector);
        if (item !== null) setCurrent(item);
    };
    container.addEventListener("keydown", onKey);
    container.addEventListener("focusin", onFocus);
    return () => {
        container.removeEventListener("keydown", onKey);
        container.removeEventListener("focusin", onFocus);
    };
}

/** Whether the person asked for less movement. */
export function prefersReducedMotion(): boolean {
    return window.matchMedia("(prefers-reduced-motion: reduce)").matches;
}
