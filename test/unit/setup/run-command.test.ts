import {describe, expect, it} from "vitest";
import {runCommand, withoutGit} from "../../../scripts/setup/run-command.mjs";

const node = (code: string, report?: (line: string) => void): Promise<string> =>
    runCommand(process.execPath, ["-e", code], report ? {log: "self-test", report} : {log: "self-test"});

describe("runCommand", () => {
    it("answers standard output and reports every line, also those that come in pieces", async () => {
        const lines: string[] = [];
        const output = await node(
            'process.stdout.write("on"); setTimeout(() => process.stdout.write("e\\ntwo\\n"), 30); console.error("three")',
            (line) => {
                lines.push(line);
            },
        );
        expect(output).toBe("one\ntwo\n");
        expect([...lines].sort()).toEqual(["one", "three", "two"]);
    });

    it("fails with the end of what was printed", async () => {
        await expect(node('console.log("a"); console.error("the reason"); process.exit(3)')).rejects.toMatchObject({
            name: "SetupError",
            message: expect.stringMatching(/ended with code 3\.$/) as string,
            output: expect.stringContaining("the reason") as string,
        });
    });

    it("fails when the program is not there", async () => {
        await expect(runCommand("kvasir-no-such-program", [], {log: "self-test"})).rejects.toThrow(/did not start/);
    });
});

it("withoutGit keeps a surrounding git hook's repository out of ours", () => {
    expect(withoutGit({GIT_DIR: "/elsewhere", GIT_INDEX_FILE: "x", PATH: "/bin"})).toEqual({PATH: "/bin"});
});
