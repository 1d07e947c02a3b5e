/** The programs that must be on the machine before set-up starts: found all at once, missing ones named in one go. */
import {spawnSync} from "node:child_process";
import {existsSync, readFileSync} from "node:fs";
import path from "node:path";

/** The oldest of the 20 line that the lint and test tools run on. */
const nodeMinimum = "20.19";
const cmakeMinimum = "3.20";

/**
 * @typedef {"node" | "npm" | "git" | "python" | "pip" | "cmake" | "c++" | "tar"} Tool
 * @typedef {{tool: Tool, problem: string}} Missing
 * @typedef {(program: string, args: string[]) => string | undefined} Probe answers a program's output, or undefined
 *   when it is not there or fails
 */

/** What each tool is called in the usual package managers; node and npm come from nodejs.org instead. */
const packages = {
    apt: {git: "git", python: "python3", pip: "python3-pip", cmake: "cmake", "c++": "g++", tar: "tar"},
    dnf: {git: "git", python: "python3", pip: "python3-pip", cmake: "cmake", "c++": "gcc-c++", tar: "tar"},
    pacman: {git: "git", python: "python", pip: "python-pip", cmake: "cmake", "c++": "gcc", tar: "tar"},
    brew: {git: "git", python: "python", pip: "python", cmake: "cmake", "c++": undefined, tar: undefined},
    winget: {
        git: "Git.Git",
        python: "Python.Python.3.12",
        pip: "Python.Python.3.12",
        cmake: "Kitware.CMake",
        "c++": "Microsoft.VisualStudio.2022.BuildTools",
        tar: undefined,
    },
};
const installers = {
    apt: "sudo apt-get install -y",
    dnf: "sudo dnf install -y",
    pacman: "sudo pacman -S --needed",
    brew: "brew install",
    winget: "winget install",
};

/** @typedef {keyof typeof packages} Manager */

/**
 * The missing ones among the wanted tools.
 * @param {Iterable<Tool>} wanted
 * @param {Probe} [probe]
 * @param {string} [nodeVersion]
 * @returns {Missing[]}
 */
export function findMissing(wanted, probe = probeProgram, nodeVersion = process.versions.node) {
    /** @type {Missing[]} */
    const missing = [];
    const tools = new Set(wanted);
    /**
     * @param {Tool} tool
     * @param {string | undefined} problem
     */
    const check = (tool, problem) => {
        if (tools.has(tool) && problem !== undefined) missing.push({tool, problem});
    };
    check(
        "node",
        isAtLeast(nodeVersion, nodeMinimum) ? undefined : `Node ${nodeMinimum} or later (this is ${nodeVersion})`,
    );
    for (const tool of /** @type {const} */ (["git", "tar"])) {
        if (tools.has(tool)) check(tool, probe(tool, ["--version"]) === undefined ? tool : undefined);
    }
    // npm is a shell script on Windows and comes with Node: found by looking, not by starting it.
    if (tools.has("npm")) check("npm", process.env.npm_execpath === undefined && !isOnPath("npm") ? "npm" : undefined);
    if (tools.has("cmake")) {
        const version = /version (\d+(?:\.\d+)+)/.exec(probe("cmake", ["--version"]) ?? "")?.[1];
        check(
            "cmake",
            version === undefined
                ? `cmake ${cmakeMinimum} or later`
                : isAtLeast(version, cmakeMinimum)
                  ? undefined
                  : `cmake ${cmakeMinimum} or later (this is ${version})`,
        );
    }
    if (tools.has("c++")) check("c++", hasCompiler(probe) ? undefined : "a C++ compiler");
    if (tools.has("python") || tools.has("pip")) {
        const python = findPython(probe);
        if (python === undefined)
            check(tools.has("pip") ? "pip" : "python", tools.has("pip") ? "Python 3 with pip" : "Python 3");
        else
            check(
                "pip",
                probe(python[0], [...python.slice(1), "-m", "pip", "--version"]) === undefined
                    ? "pip (for Python 3)"
                    : undefined,
            );
    }
    return missing;
}

/**
 * Python 3's command with its leading arguments, or undefined.
 * @param {Probe} [probe]
 * @returns {[string, ...string[]] | undefined}
 */
export function findPython(probe = probeProgram) {
    /** @type {[string, ...string[]][]} */
    const candidates =
        process.platform === "win32" ? [["py", "-3"], ["python"], ["python3"]] : [["python3"], ["python"]];
    return candidates.find(([program, ...args]) => probe(program, [...args, "--version"])?.startsWith("Python 3"));
}

/**
 * One message for everything that is missing, with the command that gets it.
 * @param {readonly Missing[]} missing
 * @param {Manager | undefined} [manager]
 */
export function describeMissing(missing, manager = packageManager()) {
    const lines = ["these programs are missing:", ...missing.map(({problem}) => `  - ${problem}`)];
    const names = new Set();
    for (const {tool} of missing) {
        if (tool === "node" || tool === "npm") continue;
        const name = manager && packages[manager][tool];
        if (name !== undefined) names.add(name);
    }
    const commands = [];
    if (names.size > 0 && manager) commands.push(`${installers[manager]} ${[...names].join(" ")}`);
    if (manager === "brew" && missing.some(({tool}) => tool === "c++")) commands.push("xcode-select --install");
    if (commands.length > 0) lines.push("To get it:", ...commands.map((command) => `  ${command}`));
    if (missing.some(({tool}) => tool === "node" || tool === "npm")) lines.push("Node with npm: https://nodejs.org");
    return lines.join("\n");
}

/**
 * Compares dotted numbers; missing parts count as 0.
 * @param {string} version
 * @param {string} minimum
 */
export function isAtLeast(version, minimum) {
    const numbers = (/** @type {string} */ text) => text.split(".").map((part) => Number.parseInt(part, 10) || 0);
    const [have, need] = [numbers(version), numbers(minimum)];
    for (let i = 0; i < Math.max(have.length, need.length); i++) {
        const difference = (have[i] ?? 0) - (need[i] ?? 0);
        if (difference !== 0) return difference > 0;
    }
    return true;
}

/** @returns {Manager | undefined} */
function packageManager() {
    if (process.platform === "darwin") return "brew";
    if (process.platform === "win32") return "winget";
    const release = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
    const family = /^ID(?:_LIKE)?=.*$/gm;
    const ids = (release.match(family) ?? []).join(" ");
    if (/debian|ubuntu/.test(ids)) return "apt";
    if (/fedora|rhel/.test(ids)) return "dnf";
    return /arch/.test(ids) ? "pacman" : undefined;
}

/** @param {Probe} probe */
function hasCompiler(probe) {
    const {CXX} = process.env;
    if (CXX !== undefined && CXX !== "" && probe(CXX, ["--version"]) !== undefined) return true;
    if (process.platform !== "win32") {
        return ["c++", "g++", "clang++"].some((compiler) => probe(compiler, ["--version"]) !== undefined);
    }
    // CMake finds Visual Studio by the same program, without a developer prompt.
    const vswhere = path.join(process.env["ProgramFiles(x86)"] ?? "", "Microsoft Visual Studio/Installer/vswhere.exe");
    const found = probe(vswhere, [
        "-latest",
        "-products",
        "*",
        "-requires",
        "Microsoft.VisualStudio.Component.VC.Tools.x86.x64",
        "-property",
        "installationPath",
    ]);
    return found !== undefined && found.trim() !== "";
}

/** @type {Probe} */
function probeProgram(program, args) {
    const {status, stdout, stderr} = spawnSync(program, args, {encoding: "utf8", windowsHide: true, timeout: 20_000});
    return status === 0 ? stdout + stderr : undefined;
}

/** @param {string} program */
function isOnPath(program) {
    const endings = process.platform === "win32" ? [".cmd", ".exe"] : [""];
    return (process.env.PATH ?? "")
        .split(path.delimiter)
        .some((folder) => endings.some((ending) => existsSync(path.join(folder, program + ending))));
}
