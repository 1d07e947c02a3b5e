/** The demo: two questions about a real repository, answered on the small model. */
import {existsSync} from "node:fs";
import path from "node:path";
import {root} from "./setup/paths.mjs";

if (!existsSync(path.join(root, "extension/cli/main.ts"))) {
    process.stderr.write(
        "The demo needs the command line (extension/cli/main.ts), which is not part of this checkout.\n",
    );
    process.exitCode = 1;
}
