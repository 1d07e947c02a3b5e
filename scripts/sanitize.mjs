/**
 * `npm run sanitize`: builds the addon with AddressSanitizer and runs the native tests in it. Leaks count when the
 * addon is in the stack of the allocation; Node, V8 and llama.cpp keep what they keep until the process ends.
 */
import {execFileSync, spawnSync} from "node:child_process";
import {mkdirSync, readdirSync, readFileSync, rmSync} from "node:fs";
import path from "node:path";
import {artefacts, root} from "./setup/paths.mjs";

const build = path.join(artefacts, "sanitize");
mkdirSync(build, {recursive: true});
const source = path.join(root, "native-config/addon");
execFileSync("cmake", ["-S", source, "-B", build, "-DKVASIR_SANITIZE=address", "-DCMAKE_BUILD_TYPE=RelWithDebInfo"], {
    stdio: "inherit",
});
execFileSync("cmake", ["--build", build, "--parallel", "2"], {stdio: "inherit"});
const runtime = execFileSync(process.env.CXX ?? "c++", ["-print-file-name=libasan.so"], {encoding: "utf8"}).trim();

const reports = path.join(build, "reports");
rmSync(reports, {recursive: true, force: true});
mkdirSync(reports);
const vitest = path.join(root, "node_modules/vitest/vitest.mjs");
const {status} = spawnSync(process.execPath, [vitest, "run", "--project", "native", ...process.argv.slice(2)], {
    cwd: root,
    stdio: "inherit",
    env: {
        ...process.env,
        KVASIR_ADDON: path.join(build, "out/kvasir.node"),
        LD_PRELOAD: runtime,
        // The exit code of a process with leaks stays its own: what counts is read from the reports.
        ASAN_OPTIONS: `log_path=${path.join(reports, "asan")}:detect_leaks=1:exitcode=0:fast_unwind_on_malloc=0:malloc_context_size=40`,
        LSAN_OPTIONS: "report_objects=0:max_leaks=0",
    },
});

// One block per finding; those of other people's code do not mention the addon.
const blocks = readdirSync(reports).flatMap((file) => readFileSync(path.join(reports, file), "utf8").split(/\n\n/));
const findings = blocks.filter(
    (block) => /ERROR: AddressSanitizer|leak of/.test(block) && block.includes("kvasir.node"),
);
for (const finding of findings) console.error(finding);
console.log(`sanitizers: ${findings.length} findings in the addon, tests ${status === 0 ? "passed" : "failed"}`);
process.exit(status === 0 && findings.length === 0 ? 0 : 1);
