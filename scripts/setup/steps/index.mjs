/** All steps, each after those it needs. */
import {addon} from "./addon.mjs";
import {browser} from "./browser.mjs";
import {demoRepository} from "./demo-repository.mjs";
import {dependencies} from "./dependencies.mjs";
import {llamaBinaries} from "./llama-binaries.mjs";
import {llamaHeadersStep} from "./llama-headers.mjs";
import {model} from "./model.mjs";
import {vscode} from "./vscode.mjs";

/** @type {readonly import("../plan.mjs").Step[]} */
export const steps = [dependencies, llamaBinaries, llamaHeadersStep, addon, model, demoRepository, browser, vscode];
