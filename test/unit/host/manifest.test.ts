/** package.json, its texts and the code must speak of the same commands and settings. */
import {readFileSync} from "node:fs";
import path from "node:path";
import ts from "typescript";
import {describe, expect, it} from "vitest";
import {contributedCommands, internalCommands} from "../../../extension/host/commands/command-ids.js";
import {policyNames} from "../../../extension/core/policy/presets.js";

const root = path.resolve(import.meta.dirname, "../../..");
const read = (file: string) => readFileSync(path.join(root, file), "utf8");

interface Setting {
    type: string;
    default: unknown;
    enum?: string[];
    enumDescriptions?: string[];
    scope: string;
    description?: string;
    markdownDescription?: string;
}
interface Manifest {
    contributes: {
        commands: {command: string; title: string}[];
        configuration: {properties: Record<string, Setting>}[];
        keybindings: {command: string; key: string; mac: string}[];
        menus: Record<string, {command?: string; submenu?: string}[]>;
        submenus: {id: string}[];
    };
    capabilities: {untrustedWorkspaces: {supported: string; restrictedConfigurations: string[]}};
}
const manifest = JSON.parse(read("package.json")) as Manifest;
const texts = JSON.parse(read("package.nls.json")) as Record<string, string>;
const settings = Object.assign({}, ...manifest.contributes.configuration.map(({properties}) => properties)) as Record<
    string,
    Setting
>;

/** The names of SettingTypes in settings.ts, by TypeScript's own parser. */
function declaredSettings(): string[] {
    const file = ts.createSourceFile("settings.ts", read("extension/host/settings.ts"), ts.ScriptTarget.Latest);
    const names: string[] = [];
    file.forEachChild((node) => {
        if (!ts.isInterfaceDeclaration(node) || node.name.text !== "SettingTypes") return;
        for (const member of node.members) {
            if (member.name !== undefined && ts.isStringLiteral(member.name)) names.push(`kvasir.${member.name.text}`);
        }
    });
    return names;
}

describe("package.json", () => {
    it("contributes exactly the commands that the code names", () => {
        expect(manifest.contributes.commands.map(({command}) => command).sort()).toEqual(
            [...contributedCommands].sort(),
        );
    });

    it("contributes exactly the settings that the code reads", () => {
        expect(Object.keys(settings).sort()).toEqual(declaredSettings().sort());
    });

    it("offers only policies that there are", () => {
        expect(policyNames).toEqual(expect.arrayContaining(settings["kvasir.cache.policy"]?.enum ?? ["none"]));
    });

    it("has a text for every key and a key for every text", () => {
        const used = [...new Set([...read("package.json").matchAll(/"%([^"%]+)%"/g)].map((match) => match[1]))];
        expect(used.sort()).toEqual(Object.keys(texts).sort());
        for (const text of Object.values(texts)) expect(text.trim()).not.toBe("");
    });

    it("describes every setting, and every value of those with a list", () => {
        for (const [name, setting] of Object.entries(settings)) {
            expect(setting.description ?? setting.markdownDescription, name).toMatch(/^%setting\./);
            expect(setting.scope, name).toMatch(/^(machine|machine-overridable|window|resource|language-overridable)$/);
            if (setting.enum !== undefined) {
                expect(setting.enumDescriptions, name).toHaveLength(setting.enum.length);
                expect(setting.enum, name).toContain(setting.default);
            }
        }
    });

    it("its menus and keys run only commands that there are", () => {
        const known = new Set<string>([...contributedCommands, ...internalCommands]);
        const submenus = new Set(manifest.contributes.submenus.map(({id}) => id));
        for (const [menu, items] of Object.entries(manifest.contributes.menus)) {
            for (const {command, submenu} of items) {
                if (command !== undefined) expect(known.has(command), `${menu}: ${command}`).toBe(true);
                else expect(submenus.has(submenu ?? ""), `${menu}: ${submenu}`).toBe(true);
            }
        }
        for (const {command} of manifest.contributes.keybindings) expect(known.has(command), command).toBe(true);
    });

    it("a workspace that is not trusted chooses no model, no folder and no instructions", () => {
        const {supported, restrictedConfigurations} = manifest.capabilities.untrustedWorkspaces;
        expect(supported).toBe("limited");
        // What a workspace may set and what names a file, a folder or words for the model.
        for (const name of ["kvasir.model.path", "kvasir.cache.folder", "kvasir.context.instructions"]) {
            expect(restrictedConfigurations).toContain(name);
        }
        for (const name of restrictedConfigurations) expect(Object.keys(settings)).toContain(name);
    });
});

describe("what the markets show", () => {
    it("is a square picture of the size that they want", () => {
        const {icon} = JSON.parse(read("package.json")) as {icon: string};
        const png = readFileSync(path.join(root, icon));
        expect(png.subarray(1, 4).toString("latin1")).toBe("PNG");
        // Width and height stand at the beginning of the first chunk.
        expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([256, 256]);
    });
});
