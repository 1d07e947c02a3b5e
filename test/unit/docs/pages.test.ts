/** Pages that must say the same as the code. */
import {existsSync, readFileSync, readdirSync} from "node:fs";
import path from "node:path";
import ts from "typescript";
import {describe, expect, test} from "vitest";
import {exitCodeOf} from "../../../extension/protocol/errors.js";
import {settingsPage} from "../../../scripts/settings-page.mjs";

const root = path.resolve(import.meta.dirname, "../../..");
const read = (file: string) => readFileSync(path.join(root, file), "utf8");

/** Members of the union KvasirErrorCode, by TypeScript's own parser. */
function errorCodes(): string[] {
    const file = ts.createSourceFile("errors.ts", read("extension/protocol/errors.ts"), ts.ScriptTarget.Latest);
    const codes: string[] = [];
    file.forEachChild((node) => {
        if (!ts.isTypeAliasDeclaration(node) || node.name.text !== "KvasirErrorCode" || !ts.isUnionTypeNode(node.type))
            return;
        for (const member of node.type.types)
            if (ts.isLiteralTypeNode(member) && ts.isStringLiteral(member.literal)) codes.push(member.literal.text);
    });
    return codes;
}

interface Manifest {
    scripts: Record<string, string>;
    contributes: {
        commands: {category: string; title: string}[];
        configuration: {properties: Record<string, unknown>}[];
    };
}

const pages = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"].concat(
    readdirSync(path.join(root, "docs"))
        .filter((name) => name.endsWith(".md"))
        .map((name) => `docs/${name}`),
);

describe("docs", () => {
    test("settings.md is what package.json says; `npm run settings-page` writes it", () => {
        expect(read("docs/settings.md")).toBe(settingsPage());
    });

    test("troubleshooting.md has every code once, and no other", () => {
        const codes = errorCodes();
        expect(codes.length).toBeGreaterThan(20);
        const titles = [...read("docs/troubleshooting.md").matchAll(/^### `([a-z-]+)`$/gm)].map(([, code]) => code);
        expect(titles.toSorted()).toEqual(codes.toSorted());
        // Loaded too, so that a change of the codes runs this test.
        expect(exitCodeOf("usage")).toBe(2);
    });

    test("commands, settings, scripts and tests that the pages name are there", () => {
        const {contributes, scripts} = JSON.parse(read("package.json")) as Manifest;
        const texts = JSON.parse(read("package.nls.json")) as Record<string, string>;
        const shown = (text: string) => text.replace(/^%(.*)%$/, (_, key: string) => texts[key] ?? key);
        const plain = (title: string) => title.replace(/…|\.\.\./g, "").trim();
        const titles = contributes.commands.map(({category, title}) => plain(`${shown(category)}: ${shown(title)}`));
        const settings = contributes.configuration.flatMap(({properties}) => Object.keys(properties));
        const missing: string[] = [];
        for (const page of pages) {
            const named = (pattern: RegExp) => [...read(page).matchAll(pattern)].map(([, name = ""]) => name);
            missing.push(
                ...named(/[`*](Kvasir: [^`*\n]+)[`*]/g).filter((title) => !titles.includes(plain(title))),
                ...named(/`(kvasir\.[a-zA-Z]+\.[a-zA-Z.]+)`/g).filter((name) => !settings.includes(name)),
                ...named(/npm run (?:-s )?([a-z:-]+)/g).filter((name) => !(name in scripts)),
                ...named(/`(test\/[a-z0-9/.-]+)`/g).filter((file) => !existsSync(path.join(root, file))),
            );
        }
        expect(missing).toEqual([]);
    });

    test("every link between the pages leads to a file, and to a heading that is there", () => {
        const broken: string[] = [];
        for (const page of pages) {
            for (const [, target = ""] of read(page).matchAll(/\]\((?!https?:|command:|mailto:|#)([^)\s]+)\)/g)) {
                const [file = "", heading] = target.split("#");
                const found = path.resolve(root, path.dirname(page), file);
                if (!existsSync(found)) broken.push(`${page}: ${target}`);
                else if (heading !== undefined && !headingsOf(readFileSync(found, "utf8")).includes(heading))
                    broken.push(`${page}: ${target}`);
            }
        }
        expect(broken).toEqual([]);
    });
});

/** As the code host makes them from titles. */
function headingsOf(text: string): string[] {
    return [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
        title
            .toLowerCase()
            .replace(/[^\p{L}\p{N} _-]/gu, "")
            .replaceAll(" ", "-"),
    );
}
