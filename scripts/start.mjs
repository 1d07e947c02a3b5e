/** `npm start`: Kvasir in VS Code; until the extension is there, says what is missing. */
import {existsSync} from "node:fs";
import path from "node:path";
import {root} from "./setup/paths.mjs";

const missing = ["extension/host/extension.ts", "webview/chat/main.ts"].filter(
    (file) => !existsSync(path.join(root, file)),
);
if (missing.length > 0) {
    process.stderr.write(
        `The VS Code extension is not part of this checkout: ${missing.join(", ")} ${missing.length === 1 ? "is" : "are"} missing.\n`,
    );
    process.exitCode = 1;
}
