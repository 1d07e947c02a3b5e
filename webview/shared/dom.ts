/** Owns the making of elements without HTML text: what a page shows is never parsed, so it cannot carry script. */

type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;
type Child = Node | string | undefined;

/**
 * An element with attributes and children. `true` gives an empty attribute, `false` and undefined none; `class` and
 * `aria-*` are attributes like any other. Event handlers are added by `addEventListener`.
 */
export function h<K extends keyof HTMLElementTagNameMap>(
    tag: K,
    attributes: Attributes = {},
    ...children: readonly (Child | readonly Child[])[]
): HTMLElementTagNameMap[K] {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (value === undefined || value === false) continue;
        // A handler as text would be inline script, which the page's policy forbids anyway.
        if (/^on/i.test(name) || name === "style") throw new Error(`${name} is not set as an attribute.`);
        element.setAttribute(name, value === true ? "" : String(value));
    }
    element.append(...children.flat().filter((child): child is Node | string => child !== undefined));
    return element;
}
