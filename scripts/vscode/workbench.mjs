/** What a person does in a window of VS Code, done through the page: for the tests and for the pictures. */

/** Long enough for two busy cores; nothing is slept for. */
export const patienceMs = 120_000;
/** For one try of several. */
const tryMs = 15_000;

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
    await choose(page, "Control+P", file, name);
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
    await choose(page, "F1", `>${title}`, title);
}

/**
 * Takes a row of the list that a key opens. The list closes when what a command before it has begun takes the focus a
 * little later; then once more.
 * @param {import("playwright-core").Page} page
 * @param {string} key
 * @param {string} typed
 * @param {string} row
 */
async function choose(page, key, typed, row) {
    const input = page.locator(".quick-input-widget input");
    for (const deadlineMs = Date.now() + patienceMs; ;) {
        await page.keyboard.press(key);
        try {
            await input.waitFor({timeout: tryMs});
            await input.fill(typed, {timeout: tryMs});
            await page
                .locator(".quick-input-list .monaco-list-row")
                .filter({hasText: row})
                .first()
                .click({timeout: tryMs});
            return;
        } catch (error) {
            if (Date.now() > deadlineMs) throw error;
            await page.keyboard.press("Escape");
        }
    }
}
