import {existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {afterAll, beforeAll, describe, expect, test} from "vitest";
import {profilePicture, qualityPictures} from "../../../extension/core/fidelity/page/picture.js";
import {runProgram} from "../cli/run-program.js";

const row = (policy: string, budget: number, recovered: number, more: object = {}) => ({
    ...{policy, budget, position: "parallel" as const, recovered, recoveredAll: recovered, kl: 0.1, top1: 0.9},
    ...{recoveredInterval: [recovered - 0.1, recovered + 0.1] as [number, number], bytesShare: budget, ...more},
});
const rows = [row("aha-file", 0.25, 0.98), row("aha-file", 0.125, 0.9), row("<b>", 0.25, 0.4)];

test("pictures stand alone: own size, style and legend, nothing from elsewhere, and names are text", () => {
    const pictures = qualityPictures(rows.map((one) => ({...one, klInterval: [one.kl, one.kl] as [number, number]})));
    expect(pictures.map(({name}) => name)).toEqual(["recovered", "kl"]);
    for (const {svg} of [...pictures, {svg: profilePicture(0.25, [[0.5, 1]])}]) {
        expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox="0 0 \d+/);
        expect(svg).toContain("prefers-color-scheme: dark");
        expect(svg.replace("http://www.w3.org/2000/svg", "")).not.toMatch(/href|url\(|@import|https?:/);
        expect(svg.match(/<g\b/g)?.length).toBe(svg.match(/<\/g>/g)?.length);
    }
    const {svg} = pictures[0]!;
    expect(svg).not.toContain("<b>");
    expect(svg).toContain('<text x="34" y="4">aha-file</text>');
    // Three points, and one mark for each policy of the legend.
    expect(svg.match(/class="mark"/g)).toHaveLength(3 + 2);
});

describe("bench plot", () => {
    let root: string;
    beforeAll(() => {
        root = mkdtempSync(join(tmpdir(), "kvasir-plot-"));
        writeFileSync(join(root, "one.json"), JSON.stringify({pairs: 3, rows}));
        const others = [
            row("aha-file", 0.25, 0.1),
            row("aha-replay", 0.25, 0.99),
            row("aha-replay", 0.125, 0.99, {position: "sequential"}),
            row("kvzip", 0.25, 0.9, {rowType: "q8_0"}),
            row("kvzip", 0.25, 0.9, {profile: "of other files"}),
        ];
        writeFileSync(join(root, "two.json"), JSON.stringify({rows: others}));
        writeFileSync(join(root, "other.json"), '{"rows": [{"policy": "x"}]}');
        writeFileSync(join(root, "broken.json"), "{");
    });
    afterAll(() => rmSync(root, {recursive: true, force: true}));

    test("joins files: the first of two rows of one policy and budget, those of the positions that are asked for", async () => {
        const ran = await runProgram(root, ["bench", "plot", "one.json", "two.json", "--out", "plots", "--json"]);
        expect(JSON.parse(ran.out)).toEqual({rows: 4, pictures: ["plots/recovered.svg", "plots/kl.svg"]});
        const svg = readFileSync(join(root, "plots/recovered.svg"), "utf8");
        expect(svg).toContain("aha-file at 25 %: 0.98");
        expect(svg).not.toContain("kvzip");
        const few = await runProgram(root, [
            ...["bench", "plot", "two.json", "--out", "few", "--json"],
            ...["--policies", "aha-replay", "--position", "sequential"],
        ]);
        expect(JSON.parse(few.out)).toMatchObject({rows: 1});
    });

    test.each([
        [["gone.json"], "file-missing"],
        [["broken.json"], "usage"],
        [["other.json"], "usage"],
        [["one.json", "--policies", "nobody"], "usage"],
        [["one.json", "--profile", "two.json"], "usage"],
    ])("refuses %j and writes nothing", async (args, code) => {
        const ran = await runProgram(root, ["bench", "plot", ...args, "--out", "none", "--json"]);
        expect(JSON.parse(ran.out)).toMatchObject({error: {code}});
        expect(existsSync(join(root, "none"))).toBe(false);
    });
});
