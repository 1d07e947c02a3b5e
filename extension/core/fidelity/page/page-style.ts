/** The style sheet and the script of the report page, both written into it. */

/** Colours 0 and 1 are Kvasir's own policies'; all differ in lightness too, and lines have marks and dashes. */
const palette = `
:root { color-scheme: light dark;
  --paper: #fdfdfc; --card: #ffffff; --ink: #1d2329; --soft: #5b6570; --line: #e2e5e9; --hot: 26 104 196;
  --c0: #0b63c5; --c1: #b5179e; --c2: #c25700; --c3: #2b8a3e; --c4: #7a5af8; --c5: #a33; --c6: #0c8599; --c7: #8d6e00; --c8: #6b7280; --c9: #c2255c; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #14181d; --card: #1b2027; --ink: #e7eaee; --soft: #9aa5b1; --line: #313944; --hot: 96 170 255;
  --c0: #6cb2ff; --c1: #ff7ae5; --c2: #ffa657; --c3: #69db7c; --c4: #b197fc; --c5: #ff8787; --c6: #3bc9db; --c7: #ffd43b; --c8: #adb5bd; --c9: #f783ac; } }
`;

/** Of plots, wherever they stand. */
const plotStyle = `
svg text { fill: var(--soft); font: 12px system-ui, sans-serif; font-variant-numeric: tabular-nums; }
.grid { stroke: var(--line); } .yardstick { stroke: var(--soft); stroke-dasharray: 4 3; }
.series polyline { fill: none; stroke: var(--colour); stroke-width: 1.6; stroke-linejoin: round; }
.series .whisker { stroke: var(--colour); stroke-width: 1.2; opacity: .45; }
.series .mark { fill: var(--card); stroke: var(--colour); stroke-width: 1.6; }
.series.ours polyline { stroke-width: 2.6; } .series.ours .mark { fill: var(--colour); }
${Array.from({length: 10}, (_, i) => `.c${i} { --colour: var(--c${i}); }`).join(" ")}
.cell { fill: color-mix(in oklab, rgb(var(--hot)) calc(var(--share) * 100%), var(--line) calc(100% - var(--share) * 100%)); }
`;

/** The style sheet of a picture that stands alone. */
export const pictureStyle = `${palette}${plotStyle}`;

export const pageStyle = `
${palette}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 26px; line-height: 1.2; margin: 0 0 6px; letter-spacing: -0.01em; text-wrap: balance; }
h2 { font-size: 18px; margin: 44px 0 6px; overflow-wrap: anywhere; }
p { margin: 4px 0 12px; max-width: 76ch; color: var(--soft); }
dl { display: flex; flex-wrap: wrap; gap: 4px 22px; margin: 14px 0 0; }
dl div { display: flex; gap: 6px; } dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
.notice { border-left: 3px solid var(--c2); padding: 6px 12px; color: var(--ink); background: var(--card); }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 18px; }
figure { margin: 12px 0 0; background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 14px 16px 8px; min-width: 0; overflow-x: auto; }
figcaption { font-weight: 600; margin-bottom: 6px; }
svg { display: block; width: 100%; height: auto; }
/* On a narrow page a plot is scrolled: its text would be too small to read. */
figure svg { min-width: 440px; }
${plotStyle}
.series { transition: opacity .12s; }
.has-focus .series:not(.focus) { opacity: .1; } .series.hidden { display: none; }
.legend { display: flex; flex-wrap: wrap; gap: 6px 8px; margin: 14px 0 0; }
.legend button { display: inline-flex; align-items: center; gap: 6px; font: inherit; font-size: 13px; color: var(--ink); background: var(--card); border: 1px solid var(--line); border-radius: 999px; padding: 2px 11px 2px 8px; cursor: pointer; }
.legend button:focus-visible, select:focus-visible, pre:focus-visible { outline: 2px solid var(--c0); outline-offset: 2px; }
.legend button[aria-pressed="false"] { opacity: .45; text-decoration: line-through; }
.legend svg { width: 30px; height: 12px; flex: none; }
.table { overflow-x: auto; border: 1px solid var(--line); border-radius: 8px; background: var(--card); margin-top: 12px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 14px; }
th, td { padding: 5px 14px; text-align: right; white-space: nowrap; } th:first-child, td:first-child { text-align: left; }
thead th { color: var(--soft); font-weight: 600; border-bottom: 1px solid var(--line); }
tbody tr + tr td { border-top: 1px solid var(--line); } tr.ours td:first-child { font-weight: 600; }
td small { color: var(--soft); }
.bar { display: inline-block; width: 140px; height: 10px; border-radius: 3px; vertical-align: middle; margin: 0 8px; background: linear-gradient(in oklab to right, var(--line), rgb(var(--hot))); }
.choice { display: flex; flex-wrap: wrap; gap: 8px 24px; align-items: center; max-width: none; }
select { font: inherit; color: var(--ink); background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: 3px 8px; }
pre { margin: 8px 0 0; padding: 16px; background: var(--card); border: 1px solid var(--line); border-radius: 8px; overflow: auto; max-height: 640px; font: 13px/1.6 ui-monospace, "SF Mono", Menlo, Consolas, monospace; tab-size: 4; }
.scale { white-space: nowrap; } .scale span { font-family: ui-monospace, monospace; }
${Array.from({length: 9}, (_, i) => `.k${i} { background: rgb(var(--hot) / ${((i / 8) * 0.62).toFixed(3)}); }`).join(" ")}
@media print { .legend button { border: 0; } pre { max-height: none; } }
`;

/** Legend: pointing at a policy dims the others, a click hides it. The choice of a cut shades the file anew. */
export const pageScript = `
for (const button of document.querySelectorAll(".legend button")) {
  const name = button.dataset.policy;
  const series = [...document.querySelectorAll(".series")].filter((group) => group.dataset.policy === name);
  const focus = (isOn) => {
    document.body.classList.toggle("has-focus", isOn && button.getAttribute("aria-pressed") === "true");
    for (const group of series) group.classList.toggle("focus", isOn);
  };
  for (const type of ["mouseenter", "focus"]) button.addEventListener(type, () => focus(true));
  for (const type of ["mouseleave", "blur"]) button.addEventListener(type, () => focus(false));
  button.addEventListener("click", () => {
    const isOn = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(isOn));
    for (const group of series) group.classList.toggle("hidden", !isOn);
    focus(isOn);
  });
}
const cut = document.getElementById("cut");
cut?.addEventListener("change", () => {
  const tokens = document.getElementById("file").children;
  for (let i = 0; i < tokens.length; i++) tokens[i].className = "k" + cut.value[i];
});
`;
