/** A browser without a window, for the tests: the system's own Chromium, driven by playwright-core. */
import {chromium} from "playwright-core";
import {findChromium} from "../setup/steps/browser.mjs";

const flags = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    // Timers of a page that nobody looks at would be slowed down.
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
];

export async function launchChromium() {
    const executablePath = findChromium();
    if (executablePath === undefined) throw new Error("Chromium is missing: run `npm run setup -- --only browser`.");
    return chromium.launch({executablePath, headless: true, args: flags});
}
