import {describe, expect, it} from "vitest";
import {
    type Probe,
    type Tool,
    describeMissing,
    findMissing,
    findPython,
    isAtLeast,
} from "../../../scripts/setup/prerequisites.mjs";

/** A machine on which exactly these programs answer, by the first word of their command and its arguments. */
function machine(programs: Record<string, string>): Probe {
    return (program, args) => programs[[program, ...args].join(" ")];
}
const complete = {
    "git --version": "git version 2.39.5\n",
    "tar --version": "tar (GNU tar) 1.34\n",
    "cmake --version": "cmake version 3.25.1\n\nCMake suite",
    "c++ --version": "c++ (Debian 12.2.0-14) 12.2.0\n",
    "python3 --version": "Python 3.11.7\n",
    "python3 -m pip --version": "pip 23.2.1 from x (python 3.11)\n",
};
const all: Tool[] = ["node", "git", "python", "pip", "cmake", "c++", "tar"];
const without = (...commands: (keyof typeof complete)[]): Probe =>
    machine(
        Object.fromEntries(
            Object.entries(complete).filter(([command]) => !commands.includes(command as keyof typeof complete)),
        ),
    );

// The probes speak for a Linux machine; on Windows other programs are asked.
describe.runIf(process.platform !== "win32")("findMissing", () => {
    it("finds nothing missing on a complete machine", () => {
        expect(findMissing(all, machine(complete), "20.19.0")).toEqual([]);
    });

    it("names everything that is missing at once", () => {
        const missing = findMissing(all, machine({}), "18.20.4").map(({tool}) => tool);
        expect(new Set(missing)).toEqual(new Set(["node", "git", "pip", "cmake", "c++", "tar"]));
    });

    it("asks only for what is wanted", () => {
        expect(findMissing(["git"], without("cmake --version", "c++ --version"))).toEqual([]);
    });

    it("tells a missing pip from a missing Python", () => {
        expect(findMissing(["python", "pip"], without("python3 -m pip --version")).map(({tool}) => tool)).toEqual([
            "pip",
        ]);
    });

    it("refuses a cmake that is too old", () => {
        const old = machine({...complete, "cmake --version": "cmake version 3.16.3\n"});
        expect(findMissing(["cmake"], old)[0]?.problem).toContain("this is 3.16.3");
    });

    it("does not take Python 2 for Python 3", () => {
        expect(findPython(machine({"python --version": "Python 2.7.18\n"}))).toBeUndefined();
        expect(findPython(machine({"python --version": "Python 3.12.1\n"}))).toEqual(["python"]);
    });
});

describe("describeMissing", () => {
    it("ends in one command for the package manager, every package once", () => {
        const text = describeMissing(
            [
                {tool: "cmake", problem: "cmake 3.20 or later"},
                {tool: "c++", problem: "a C++ compiler"},
                {tool: "python", problem: "Python 3 with pip"},
                {tool: "pip", problem: "pip (for Python 3)"},
            ],
            "apt",
        );
        expect(text).toContain("  - a C++ compiler\n");
        expect(text.split("\n").at(-1)).toBe("  sudo apt-get install -y cmake g++ python3 python3-pip");
    });

    it("sends to nodejs.org for Node", () => {
        expect(describeMissing([{tool: "node", problem: "Node 20.19 or later (this is 18.0.0)"}], "apt")).toContain(
            "https://nodejs.org",
        );
    });
});

it.each([
    ["20.19.0", "20.19", true],
    ["20.9.0", "20.19", false],
    ["22.0.0", "20.19", true],
    ["3.20", "3.20.0", true],
    ["3.5.1", "3.20", false],
    ["4.0.0-rc2", "3.20", true],
])("isAtLeast(%s, %s) is %s", (version, minimum, expected) => {
    expect(isAtLeast(version, minimum)).toBe(expected);
});
