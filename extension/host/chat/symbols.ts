/** Symbols of the workspace and of a document, from whatever language support there is. Never waits long for it. */
import * as vscode from "vscode";

export interface FoundSymbol {
    name: string;
    uri: vscode.Uri;
    range: vscode.Range;
}

/** Some language servers never answer while they load. */
const patienceMs = 1500;

/** Symbols whose name holds these letters: of the document first, then of the workspace. */
export async function findSymbols(letters: string, document: vscode.TextDocument | undefined): Promise<FoundSymbol[]> {
    const [own, all] = await Promise.all([
        document === undefined ? [] : documentSymbols(document),
        letters.length < 2 ? [] : workspaceSymbols(letters),
    ]);
    const wanted = letters.toLowerCase();
    const found = new Map<string, FoundSymbol>();
    for (const symbol of [...own, ...all]) {
        const key = `${symbol.uri.toString()}#${symbol.name}`;
        if (symbol.name.toLowerCase().includes(wanted) && !found.has(key)) found.set(key, symbol);
    }
    return [...found.values()];
}

/** The symbol of exactly this name; of several, the one in the document. */
export async function symbolNamed(
    name: string,
    document: vscode.TextDocument | undefined,
): Promise<FoundSymbol | undefined> {
    const found = await findSymbols(name, document);
    const exact =
        found.find((symbol) => symbol.name === name) ?? found.find((symbol) => bareName(symbol.name) === name);
    if (exact === undefined) return undefined;
    // A workspace symbol has the place of its name only: the document knows how far it goes.
    const whole = (await vscode.workspace.openTextDocument(exact.uri).then(documentSymbols, () => [])).find(
        (symbol) => symbol.range.contains(exact.range) && bareName(symbol.name) === bareName(exact.name),
    );
    return whole ?? exact;
}

async function workspaceSymbols(letters: string): Promise<FoundSymbol[]> {
    const symbols = await patiently(
        vscode.commands.executeCommand<vscode.SymbolInformation[] | undefined>(
            "vscode.executeWorkspaceSymbolProvider",
            letters,
        ),
    );
    return (symbols ?? []).map(({name, location}) => ({
        name: bareName(name),
        uri: location.uri,
        range: location.range,
    }));
}

async function documentSymbols(document: vscode.TextDocument): Promise<FoundSymbol[]> {
    const symbols = await patiently(
        vscode.commands.executeCommand<(vscode.DocumentSymbol | vscode.SymbolInformation)[] | undefined>(
            "vscode.executeDocumentSymbolProvider",
            document.uri,
        ),
    );
    const flat = (all: readonly (vscode.DocumentSymbol | vscode.SymbolInformation)[]): FoundSymbol[] =>
        all.flatMap((symbol) =>
            "children" in symbol
                ? [{name: bareName(symbol.name), uri: document.uri, range: symbol.range}, ...flat(symbol.children)]
                : [{name: bareName(symbol.name), uri: document.uri, range: symbol.location.range}],
        );
    return flat(symbols ?? []);
}

/** Some servers put the parameters into the name. */
function bareName(name: string): string {
    return name.replace(/\(.*$/s, "").trim();
}

async function patiently<T>(work: Thenable<T>): Promise<T | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), patienceMs)));
    try {
        return await Promise.race([work, tooLate]);
    } catch {
        return undefined;
    } finally {
        clearTimeout(timer);
    }
}
