/** Owns the look of the heat map in editors: one decoration per step, by the theme's colours and by the width of an edge. */
import * as vscode from "vscode";
import {runsByStep, stepStarts} from "./heat-steps.js";

export interface HeatDecorations extends vscode.Disposable {
    /** @param shares one per line, from the first */
    show(editor: vscode.TextEditor, shares: readonly number[]): void;
    clear(editor: vscode.TextEditor): void;
}

export function createHeatDecorations(): HeatDecorations {
    const types = stepStarts.map((_, step) =>
        vscode.window.createTextEditorDecorationType({
            isWholeLine: true,
            backgroundColor: new vscode.ThemeColor(`kvasir.heatMap.step${step + 1}`),
            // The edge tells the steps apart without colour: no edge, then wider and wider.
            ...(step === 0
                ? {}
                : {
                      borderColor: new vscode.ThemeColor("kvasir.heatMap.edge"),
                      borderStyle: "solid",
                      borderWidth: `0 0 0 ${step}px`,
                  }),
            // The ruler shows where most was kept; marks on every line would show nothing.
            ...(step < 3
                ? {}
                : {
                      overviewRulerColor: new vscode.ThemeColor(`kvasir.heatMap.step${step + 1}`),
                      overviewRulerLane: vscode.OverviewRulerLane.Right,
                  }),
            rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
        }),
    );
    return {
        show(editor, shares) {
            const nLines = editor.document.lineCount;
            for (const [step, runs] of runsByStep(shares.slice(0, nLines)).entries()) {
                const type = types[step];
                if (type === undefined) continue;
                editor.setDecorations(
                    type,
                    runs.map(({start, end}) => new vscode.Range(start, 0, end, 0)),
                );
            }
        },
        clear(editor) {
            for (const type of types) editor.setDecorations(type, []);
        },
        dispose() {
            for (const type of types) type.dispose();
        },
    };
}
