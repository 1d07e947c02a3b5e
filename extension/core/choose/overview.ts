/**
 * Owns which files tell what a repository is: for questions about it as a whole, whose words match
 * everything and nothing.
 */
import type {PathIndex} from "./path-index.js";
import {baseNameOf, folderOf} from "../files/paths.js";

const aboutTheWhole =
    /\b(?:project|repo(?:sitory)?|code ?base|package|library|app(?:lication)?|program|tool|workspace)\b/i;
const asksForOverview =
    /\b(?:what(?:'s| is| does)|about|overview|summar\w+|architecture|structured?|organi[sz]ed|purpose|introduc\w+|entry ?points?|getting started)\b/i;

/** True for "what does this project do?" and its like. */
export function isAboutTheWhole(question: string): boolean {
    return question.length < 200 && aboutTheWhole.test(question) && asksForOverview.test(question);
}

const telling: readonly RegExp[] = [
    /^readme(?:\.[a-z]+)?$/i,
    /^(?:architecture|design|overview|introduction)\.(?:md|rst|txt|adoc)$/i,
    /^(?:package\.json|cargo\.toml|pyproject\.toml|setup\.py|go\.mod|pom\.xml|build\.gradle(?:\.kts)?|composer\.json|.*\.gemspec|.*\.csproj|cmakelists\.txt)$/i,
    /^(?:main|lib|app|__main__|cli|server|extension|program)\.[a-z]+$/i,
    /^(?:index|mod|__init__)\.[a-z]+$/i,
];
/** How many folders down a file of each kind still speaks for the whole. */
const maxDepths = [0, 2, 0, 3, 1];

/** The files that introduce a repository: its README, its architecture, its manifest, its entry points; nearest the root first. */
export function overviewFiles(paths: PathIndex): string[] {
    const found: {path: string; kind: number; depth: number}[] = [];
    for (const path of paths.all()) {
        const folder = folderOf(path);
        const depth = folder === "" ? 0 : folder.split("/").length;
        const kind = telling.findIndex((pattern) => pattern.test(baseNameOf(path)));
        if (
            kind === -1 ||
            depth > maxDepths[kind]! ||
            /(?:^|\/)(?:test|example|fixture|sample|demo|bench|vendor)/i.test(path)
        )
            continue;
        found.push({path, kind, depth});
    }
    return found
        .sort((a, b) => a.kind - b.kind || a.depth - b.depth || (a.path < b.path ? -1 : 1))
        .slice(0, 8)
        .map(({path}) => path);
}
