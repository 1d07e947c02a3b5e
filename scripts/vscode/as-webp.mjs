/**
 * A picture as WebP: the browser makes smaller files than PNG of what it shows, without loss.
 * @param {import("playwright-core").Page} painter an empty page, for what a browser can do with pictures
 * @param {Buffer} png
 */
export async function asWebp(painter, png) {
    const data = await painter.evaluate(
        async (encoded) => {
            // In the page, whose names these files do not know.
            const {createImageBitmap, document} = /** @type {any} */ (globalThis);
            const picture = await createImageBitmap(await (await fetch(encoded)).blob());
            const canvas = document.createElement("canvas");
            [canvas.width, canvas.height] = [picture.width, picture.height];
            canvas.getContext("2d")?.drawImage(picture, 0, 0);
            return canvas.toDataURL("image/webp", 1);
        },
        `data:image/png;base64,${png.toString("base64")}`,
    );
    return Buffer.from(data.slice(data.indexOf(",") + 1), "base64");
}
