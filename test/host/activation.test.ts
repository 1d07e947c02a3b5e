import assert from "node:assert/strict";
import * as vscode from "vscode";
import {activated} from "./extension-under-test.js";

describe("activation", () => {
    it("starts every feature", async () => {
        const {failedFeatures} = await activated();
        assert.deepEqual(failedFeatures, []);
    });

    it("registers every command that package.json contributes", async () => {
        await activated();
        const registered = new Set(await vscode.commands.getCommands(true));
        const {contributes} = vscode.extensions.getExtension("kvasir.kvasir")?.packageJSON as {
            contributes: {commands: {command: string}[]};
        };
        const missing = contributes.commands.map(({command}) => command).filter((id) => !registered.has(id));
        assert.deepEqual(missing, []);
    });
});
