/** The chat panel of a window, as a person uses it. */
import type {Frame, Locator, Page} from "playwright-core";
import {expect} from "vitest";
import {patienceMs, runCommand, webviewOf} from "../../scripts/vscode/workbench.mjs";

export interface ChatInWindow {
    frame: Frame;
    composer(): Locator;
    button(name: string | RegExp): Locator;
    answers(): Locator;
    /** The words of the last answer. */
    lastText(): Promise<string>;
    /** Begins an empty conversation. */
    startNew(): Promise<void>;
    /** Writes on, up to a mention of a file by its first letters, and takes that file from the list by a key. */
    mention(written: string, fileName: RegExp): Promise<void>;
    /** Writes a question and sends it. */
    ask(question: string): Promise<void>;
    /** Ends when the last answer has ended. */
    finished(): Promise<void>;
}

/** Waits until the page listens; a reload makes another one. */
export async function chatIn(page: Page): Promise<ChatInWindow> {
    const frame = await webviewOf(page, "chat");
    const composer = () => frame.getByRole("textbox", {name: "Question"});
    const answers = () => frame.locator(".answer");
    const nAnswers = () => expect.poll(() => answers().count(), {timeout: patienceMs, interval: 100});
    await composer().waitFor();
    return {
        frame,
        composer,
        answers,
        button: (name) => frame.getByRole("button", {name}),
        lastText: () => answers().last().locator(".markdown").innerText(),
        async startNew() {
            await runCommand(page, "Kvasir: New Conversation");
            await nAnswers().toBe(0);
        },
        async mention(written, fileName) {
            await composer().pressSequentially(written);
            // A list of fewer letters may be the one that is shown.
            await frame.getByRole("option", {name: fileName, selected: true}).first().waitFor();
            await composer().press("Enter");
        },
        async ask(question) {
            const nBefore = await answers().count();
            await composer().fill(question);
            // The list of mentions would take Enter.
            await composer().press("Escape");
            await composer().press("Enter");
            await nAnswers().toBeGreaterThan(nBefore);
        },
        async finished() {
            await answers().last().waitFor();
            await expect
                .poll(() => answers().last().getAttribute("aria-busy"), {timeout: patienceMs, interval: 100})
                .toBe("false");
        },
    };
}
