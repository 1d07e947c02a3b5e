/** What may be opened in a browser. Pure. */

/** @returns undefined for what is not a plain address of the web; hosts are in their ASCII form */
export function webAddress(address: string): URL | undefined {
    try {
        const url = new URL(address);
        const isWeb = url.protocol === "https:" || url.protocol === "http:";
        return isWeb && url.username === "" && url.password === "" && url.host !== "" ? url : undefined;
    } catch {
        return undefined;
    }
}
