/**
 * Owns how the parts of the extension are started: each is one function from the context to a disposable, and one that
 * throws is logged while the others still load.
 */
import type * as vscode from "vscode";
import type {Ctx} from "./ctx.js";
import type {Log} from "./log.js";

/** Registers one part of the extension. Quick: whatever is slow is left for its first use. */
export type Feature = (ctx: Ctx) => vscode.Disposable;

/**
 * Starts every feature in order.
 * @returns the names of those that failed, and one disposable for all that started (in reverse order)
 */
export function loadFeatures(
    features: Readonly<Record<string, Feature>>,
    ctx: Ctx,
    log: Log,
): vscode.Disposable & {failed: readonly string[]} {
    const started: vscode.Disposable[] = [];
    const failed: string[] = [];
    for (const [name, feature] of Object.entries(features)) {
        try {
            started.push(feature(ctx));
        } catch (error) {
            failed.push(name);
            log.error(`The feature "${name}" could not start; the others go on.`, error);
        }
    }
    return {
        failed,
        dispose() {
            for (const disposable of started.splice(0).reverse()) {
                try {
                    disposable.dispose();
                } catch (error) {
                    log.error("A feature could not be ended cleanly.", error);
                }
            }
        },
    };
}

/** One disposable for several, ended in reverse order. */
export function disposeAll(...disposables: readonly {dispose(): unknown}[]): vscode.Disposable {
    return {
        dispose() {
            for (const disposable of [...disposables].reverse()) disposable.dispose();
        },
    };
}
