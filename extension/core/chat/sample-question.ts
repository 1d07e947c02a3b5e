/** Questions for an empty conversation, made from what the repository really has. Pure. */
import {baseNameOf, folderOf, stemOf} from "../files/paths.js";

export interface SampleQuestion {
    text: string;
}

const codeFile = /\.(?:[cm]?[jt]sx?|py|rs|go|java|kt|cs|cpp|cc|c|h|hpp|rb|php|swift|scala|dart|ex|lua|vue|svelte)$/i;
const noInterest = /(?:^|\/)(?:node_modules|vendor|third_party|dist|build|out|fixtures?|__snapshots__|migrations)\//i;
const testFile = /(?:^|\/)(?:tests?|specs?|__tests__)\/|[._-](?:test|spec)\.[^/.]+$|(?:^|\/)test_[^/]+$/i;

/**
 * Up to four. @param paths every known file, sorted @param active the file in the editor
 */
export function sampleQuestions(paths: readonly string[], active: string | undefined): SampleQuestion[] {
    const code = paths.filter((path) => codeFile.test(path) && !noInterest.test(path));
    const own = code.filter((path) => !testFile.test(path));
    const questions: string[] = [];
    if (paths.length > 0) questions.push("What does this repository do, and where does it begin?");
    if (active !== undefined && code.includes(active))
        questions.push(`How does @${mention(active)} work, and who uses it?`);
    const folder = mainFolder(own);
    if (folder !== undefined) questions.push(`How do the files in @${mention(`${folder}/`)} work together?`);
    const untested = own.find((path) => isUntested(path, code) && path !== active);
    if (untested !== undefined) questions.push(`/tests for @${mention(untested)}`);
    const entry = own.find((path) => /^(?:main|index|app|lib|server|cli)$/i.test(stemOf(path)) && path !== active);
    if (entry !== undefined) questions.push(`What happens first in @${mention(entry)}?`);
    const other = own.find((path) => !questions.some((question) => question.includes(path)));
    if (other !== undefined) questions.push(`Explain @${mention(other)} to someone new here.`);
    return questions.slice(0, 4).map((text) => ({text}));
}

/** The folder with the most code files of its own. */
function mainFolder(paths: readonly string[]): string | undefined {
    const counts = new Map<string, number>();
    for (const path of paths) {
        const folder = folderOf(path);
        if (folder !== "") counts.set(folder, (counts.get(folder) ?? 0) + 1);
    }
    let best: [string, number] | undefined;
    for (const entry of counts) if (entry[1] > 1 && (best === undefined || entry[1] > best[1])) best = entry;
    return best?.[0];
}

/** In a repository that has tests, a file that no test is named after. */
function isUntested(path: string, code: readonly string[]): boolean {
    const tests = code.filter((other) => testFile.test(other));
    const stem = stemOf(path).toLowerCase();
    return tests.length > 0 && stem !== "index" && !tests.some((test) => baseNameOf(test).toLowerCase().includes(stem));
}

function mention(path: string): string {
    return /\s/.test(path) ? `"${path}"` : path;
}
