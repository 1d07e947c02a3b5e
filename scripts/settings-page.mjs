/** `npm run settings-page`: writes docs/settings.md from package.json and its texts. A test says when it is old. */
import {readFileSync, writeFileSync} from "node:fs";
import path from "node:path";
import {fileURLToPath} from "node:url";
import {root} from "./setup/paths.mjs";

const page = path.join(root, "docs/settings.md");

const scopes = {
    machine: "of this machine",
    "machine-overridable": "of this machine or a workspace",
    window: "of the user or a workspace",
    resource: "of the user, a workspace or a folder",
    "language-overridable": "of the user, a workspace, a folder or a language",
};

/** @returns {string} */
export function settingsPage() {
    /** @type {{contributes: {configuration: {title: string, properties: Record<string, Setting>}[]}, capabilities: {untrustedWorkspaces: {restrictedConfigurations: string[]}}}} */
    const manifest = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
    /** @type {Record<string, string>} */
    const texts = JSON.parse(readFileSync(path.join(root, "package.nls.json"), "utf8"));
    const text = (/** @type {string | undefined} */ key) =>
        key === undefined ? "" : (texts[key.replace(/^%|%$/g, "")] ?? key);
    const restricted = manifest.capabilities.untrustedWorkspaces.restrictedConfigurations;
    const lines = [
        "# Settings",
        "",
        "Made by `npm run settings-page` from `package.json`. In VS Code: `Preferences: Open Settings`, then `kvasir`.",
        "",
    ];
    for (const {title, properties} of manifest.contributes.configuration) {
        lines.push(`## ${text(title)}`, "");
        const ordered = Object.entries(properties).sort(([, a], [, b]) => (a.order ?? 0) - (b.order ?? 0));
        for (const [name, setting] of ordered) {
            const {scope, minimum, maximum} = setting;
            const range = [
                ...(minimum === undefined ? [] : [`at least ${minimum}`]),
                ...(maximum === undefined ? [] : [`at most ${maximum}`]),
            ].join(", ");
            lines.push(`### \`${name}\``, "", text(setting.markdownDescription ?? setting.description), "");
            for (const [index, value] of (setting.enum ?? []).entries())
                lines.push(`- \`${value}\`: ${text(setting.enumDescriptions?.[index])}`);
            if (setting.enum !== undefined) lines.push("");
            const facts = [
                `Default: \`${JSON.stringify(setting.default)}\``,
                ...(range === "" ? [] : [range]),
                `set for the ${scopes[/** @type {keyof typeof scopes} */ (scope)].replace(/^of (?:the |this )/, "")}`,
                ...(restricted.includes(name) ? ["ignored from a workspace that is not trusted"] : []),
            ];
            lines.push(`${facts.join("; ")}.`, "");
        }
    }
    return `${lines.join("\n").trimEnd()}\n`;
}

/** @typedef {{default: unknown, scope: string, order?: number, description?: string, markdownDescription?: string, enum?: string[], enumDescriptions?: string[], minimum?: number, maximum?: number}} Setting */

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(page, settingsPage());
