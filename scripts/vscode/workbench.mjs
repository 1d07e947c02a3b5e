/** What a person does in a window of VS Code, done through the page: for the tests and for the pictures. */

/** Long enough for two busy cores; nothing is slept for. */
export const patienceMs = 120_000;

/**
 * The status bar's meter.
 * @param {import("playwright-core").Page} page
 */
export function meterOf(page) {
    return page.locator('.statusbar-item[id="kvasir.kvasir.meter"]');
}

/**
 * The inside of a webview by the name of its page, once it is shown.
 * @param {import("playwright-core").Page} page
 * @param {import("../../extension/host/webview-page.js").WebviewPage["bundle"]} bundle
 * @returns {Promise<import("playwright-core").Frame>}
 */
export async function webviewOf(page, bundle) {
    for (const deadlineMs = Date.now() + patienceMs; Date.now() < deadlineMs;) {
        for (const frame of page.frames()) {
            const nFound = await frame
                .locator(`body.${bundle}`)
                .count()
                .catch(() => 0);
            if (nFound > 0) return frame;
        }
        await page.waitForTimeout(100);
    }
    throw new Error(`the page ${bundle} is not shown`);
}

/**
 * Opens a file in the editor by its path in the folder.
 * @param {import("playwright-core").Page} page
 * @param {string} file
 */
export async function openFile(page, file) {
    const name = file.slice(file.lastIndexOf("/") + 1);
    await page.keyboard.press("Control+P");
    const input = page.locator(".quick-input-widget input");
    await input.waitFor();
    await input.fill(file);
    await page.locator(".quick-input-list .monaco-list-row").filter({hasText: name}).first().click();
    await page.locator(".editor-group-container.active .tab.active").filter({hasText: name}).waitFor();
    await page.locator(".editor-group-container.active .view-lines").waitFor();
}

/**
 * What the active editor shows.
 * @param {import("playwright-core").Page} page
 */
export async function editorText(page) {
    const lines = await page.locator(".editor-group-container.active .view-lines").first().innerText();
    return lines.replaceAll("\u00a0", " ");
}

/**
 * Runs a command by its title.
 * @param {import("playwright-core").Page} page
 * @param {string} title
 */
export async function runCommand(page, title) {
    await page.keyboard.press("F1");
    const input = page.locator(".quick-input-widget input");
    await input.waitFor();
    await input.fill(`>${title}`);
    await page.locator(".quick-input-list .monaco-list-row").filter({hasText: title}).first().click();
}
