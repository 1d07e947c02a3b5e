/** The page's icons: 16 by 16, drawn with the colour of the text, and not there for a screen reader. */

const paths = {
    add: "M8 3v10M3 8h10",
    at: "M10.5 8a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0zm0 0v1.2a1.7 1.7 0 0 0 3.4 0V8A5.9 5.9 0 1 0 11 13.1",
    check: "M3 8.5l3.2 3.2L13 4.8",
    chevron: "M6 4l4 4-4 4",
    close: "M4 4l8 8M12 4l-8 8",
    copy: "M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z",
    create: "M9 2H4v12h8.5V5.5zM9 2v3.5h3.5M8 7.5v4M6 9.5h4",
    diff: "M8 2.5v6M5 5.5h6M5 12.5h6",
    down: "M8 3v10M4 9l4 4 4-4",
    edit: "M10.5 3l2.5 2.5L6 12.5l-3 .5.5-3z",
    error: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2zM8 5v4M8 10.7v.6",
    export: "M8 10V2.5M5 5.2l3-2.7 3 2.7M3 9v4.5h10V9",
    file: "M9 2H4v12h8.5V5.5zM9 2v3.5h3.5",
    folder: "M2 4h4l1.5 1.5H14V13H2z",
    history: "M3.2 5.2A5.5 5.5 0 1 1 2.5 8M3 2.5v3h3M8 5v3.3l2.2 1.3",
    insert: "M2.5 3.5h11M2.5 12.5h11M13 8H5M8 5L5 8l3 3",
    leaveOut: "M3 8h10",
    pin: "M5.5 2.5h5l-.8 4.2 2 2.3H4.3l2-2.3zM8 9v5",
    pinned: "M5.5 2.5h5l-.8 4.2 2 2.3H4.3l2-2.3zM8 9v5",
    problem: "M8 2.5l6 11H2zM8 6.5v3.2M8 11.3v.5",
    restart: "M12.8 5.2A5.5 5.5 0 1 0 13.5 8M13 2.5v3h-3",
    search: "M11 7a4 4 0 1 1-8 0 4 4 0 0 1 8 0zM10 10l3.5 3.5",
    send: "M8 13V3M4 7l4-4 4 4",
    stop: "M4 4h8v8H4z",
    symbol: "M5 3.5C3.5 3.5 4 7 2.5 8 4 9 3.5 12.5 5 12.5M11 3.5c1.5 0 1 3.5 2.5 4.5-1.5 1-1 4.5-2.5 4.5",
    terminal: "M2 3h12v10H2zM4.5 6l2 2-2 2M8 10.5h3.5",
    trash: "M3 4.5h10M6 4V2.5h4V4M4.5 4.5l.6 9h5.8l.6-9",
} as const;

export type IconName = keyof typeof paths;

export function icon(name: IconName): SVGSVGElement {
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    svg.setAttribute("viewBox", "0 0 16 16");
    svg.setAttribute("aria-hidden", "true");
    svg.setAttribute("class", `icon icon-${name}`);
    const path = document.createElementNS(space, "path");
    path.setAttribute("d", paths[name]);
    svg.append(path);
    return svg;
}
