/** `npm run icon`: media/icon.png, the extension's picture in the markets, from media/icon.svg. They take no SVG. */
import {readFile, writeFile} from "node:fs/promises";
import path from "node:path";
import {root} from "./setup/paths.mjs";
import {launchChromium} from "./vscode/chromium.mjs";

/** As large as the markets show it on a screen of double density. */
const size = 256;

const svg = await readFile(path.join(root, "media/icon.svg"), "utf8");
const browser = await launchChromium();
try {
    const page = await browser.newPage({viewport: {width: size, height: size}});
    await page.setContent(`<style>html, body {margin: 0; background: transparent}</style>${svg}`);
    await writeFile(path.join(root, "media/icon.png"), await page.screenshot({omitBackground: true}));
} finally {
    await browser.close();
}
