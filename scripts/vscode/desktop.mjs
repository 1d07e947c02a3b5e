/** Finds a VS Code with a window, when this machine has one and can show it. */
import {existsSync} from "node:fs";
import path from "node:path";

/** @returns {string | undefined} its executable */
export function findDesktop() {
    const named = process.env.KVASIR_VSCODE;
    if (named !== undefined && named !== "") return named;
    const hasScreen =
        process.platform !== "linux" || Boolean(process.env.DISPLAY) || Boolean(process.env.WAYLAND_DISPLAY);
    if (!hasScreen) return undefined;
    const names = process.platform === "win32" ? ["Code.exe", "code.cmd"] : ["code", "codium", "code-insiders"];
    return (process.env.PATH ?? "")
        .split(path.delimiter)
        .flatMap((folder) => names.map((name) => path.join(folder, name)))
        .find((file) => existsSync(file));
}
