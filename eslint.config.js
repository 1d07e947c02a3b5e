// The rules of the code. The import table of docs/architecture.md is `layers` below; a test proves that it bites.
import boundaries from "eslint-plugin-boundaries";
import {defineConfig} from "eslint/config";
import tseslint from "typescript-eslint";

/**
 * What each layer may import: other layers, Node's own modules, and packages ("*": any but those of the other sides).
 * Imports inside a layer are always allowed.
 */
const layers = {
    // Descriptors carry the schema by which a message is checked where it arrives.
    protocol: {layers: [], node: false, packages: ["zod"]},
    // Pure logic: only packages that touch neither disk nor network.
    core: {
        layers: ["protocol"],
        node: false,
        packages: ["canonicalize", "diff", "ignore", "jsonc-parser", "markdown-it", "minisearch", "zod"],
    },
    engine: {layers: ["protocol", "core"], node: true, packages: ["*", "node-llama-cpp"]},
    client: {layers: ["protocol", "core"], node: true, packages: ["*"]},
    host: {layers: ["protocol", "core", "client"], node: true, packages: ["*", "vscode"]},
    cli: {layers: ["protocol", "core", "client", "engine"], node: true, packages: ["*"]},
    // Packages that run in a page under a strict CSP.
    webview: {
        layers: ["protocol"],
        node: false,
        packages: ["d3-hierarchy", "dompurify", "highlight.js", "markdown-it"],
    },
    test: {
        layers: ["protocol", "core", "client", "engine", "host", "cli", "webview", "scripts"],
        node: true,
        packages: ["*", "vscode", "node-llama-cpp"],
    },
    scripts: {layers: [], node: true, packages: ["*"]},
};
const ownersOnly = ["vscode", "node-llama-cpp"];

const importPolicies = Object.entries(layers).flatMap(([layer, may]) => {
    const from = {element: {type: layer}};
    const policies = [{from, allow: {to: {element: {types: {anyOf: [layer, ...may.layers]}}}}}];
    if (may.node) policies.push({from, allow: {to: {module: {origin: "core"}}}});
    for (const name of may.packages) {
        policies.push({
            from,
            allow: {to: {module: name === "*" ? {origin: "external"} : {origin: "external", source: name}}},
        });
    }
    for (const name of ownersOnly.filter((owned) => !may.packages.includes(owned))) {
        policies.push({from, disallow: {to: {module: {origin: "external", source: name}}}});
    }
    return policies;
});
importPolicies.push({from: {element: {type: "scripts"}}, allow: {to: {file: {categories: "bundler"}}}});

export default defineConfig(
    {
        ignores: ["**/node_modules/", "dist/", ".kvasir/", "coverage/", "native-config/addon/build/", "test/fixtures/"],
    },
    {linterOptions: {reportUnusedDisableDirectives: "error"}},
    {
        files: ["extension/**/*.ts", "webview/**/*.ts", "test/**/*.ts", "vitest.config.ts"],
        extends: [tseslint.configs.recommendedTypeChecked],
        languageOptions: {parserOptions: {projectService: true, tsconfigRootDir: import.meta.dirname}},
        rules: {
            "@typescript-eslint/no-unused-vars": ["error", {argsIgnorePattern: "^_", varsIgnorePattern: "^_"}],
            "@typescript-eslint/consistent-type-imports": ["error", {fixStyle: "inline-type-imports"}],
            "@typescript-eslint/restrict-template-expressions": ["error", {allowNumber: true, allowBoolean: true}],
            "@typescript-eslint/switch-exhaustiveness-check": ["error", {considerDefaultExhaustiveForUnions: true}],
            // An implementation of an asynchronous interface may have nothing to wait for.
            "@typescript-eslint/require-await": "off",
            "@typescript-eslint/prefer-promise-reject-errors": "off",
            eqeqeq: "error",
            "no-console": "error",
        },
    },
    {
        files: ["extension/cli/**/*.ts", "test/bench/**/*.ts", "test/host/index.ts"],
        rules: {"no-console": "off"},
    },
    {
        files: ["extension/core/**/*.ts", "extension/protocol/**/*.ts"],
        rules: {
            "no-restricted-globals": [
                "error",
                ...["process", "Buffer", "fetch", "setTimeout", "setInterval", "window", "document"].map((name) => ({
                    name,
                    message: "core and protocol are pure: pass it in.",
                })),
            ],
        },
    },
    {
        files: ["scripts/**/*.{mjs,cjs}", "esbuild.mjs", "eslint.config.js"],
        extends: [tseslint.configs.base],
        rules: {
            "@typescript-eslint/no-unused-vars": ["error", {argsIgnorePattern: "^_", varsIgnorePattern: "^_"}],
            eqeqeq: "error",
            "no-undef": "off",
        },
    },
    {
        files: ["extension/**/*.ts", "webview/**/*.ts", "test/**/*.ts", "scripts/**/*.mjs"],
        plugins: {boundaries},
        settings: {
            "boundaries/elements": [
                ...["protocol", "core", "client", "engine", "host", "cli"].map((type) => ({
                    type,
                    pattern: `extension/${type}/**`,
                    partialMatch: false,
                })),
                ...["webview", "test", "scripts"].map((type) => ({type, pattern: `${type}/**`, partialMatch: false})),
            ],
            "boundaries/files": [{category: "bundler", pattern: "esbuild.mjs"}],
            "boundaries/dependency-nodes": ["import", "export", "dynamic-import"],
            "import/resolver": {[`${import.meta.dirname}/scripts/lint/typescript-resolver.cjs`]: {}},
        },
        rules: {
            "boundaries/dependencies": [
                "error",
                {default: "disallow", checkAllOrigins: true, checkUnknownLocals: true, policies: importPolicies},
            ],
            "boundaries/no-unknown-files": "error",
        },
    },
);
