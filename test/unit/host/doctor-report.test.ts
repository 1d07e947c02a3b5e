import {describe, expect, it} from "vitest";
import {type DoctorFacts, doctorText} from "../../../extension/host/doctor/report.js";

const facts: DoctorFacts = {
    extensionVersion: "1.2.3",
    editorVersion: "1.139.1",
    platform: "linux x64",
    isTrusted: true,
    isRemote: undefined,
    connection: "running",
    differing: [],
    quarantined: [],
    files: {known: 12, skipped: 3, secrets: [".env"]},
    model: "/m/a.gguf",
    cacheFolder: "/c",
    report: {
        ok: true,
        checks: [
            {id: "addon", ok: true, detail: "built"},
            {id: "model", ok: true, detail: "a.gguf"},
        ],
        engine: {backend: "cpu", addon: "1", llamaRelease: "b1"},
        model: {
            path: "/m/a.gguf",
            architecture: "llama",
            layers: 30,
            kvHeads: 3,
            headDim: 64,
            window: 8192,
            supported: true,
        },
    },
};
const linksIn = (text: string) => [...text.matchAll(/\(command:([^)]+)\)/g)].map((match) => match[1]);

describe("the Doctor's report", () => {
    it("says that all is well, what was found, and what is never read", () => {
        const text = doctorText(facts);
        expect(text).toContain("Everything is as it should be.");
        expect(text).toContain("- ✔ addon: built");
        expect(text).toContain("llama, 30 layers, 3 KV heads of 64, window 8192 tokens");
        expect(text).toContain("never read, because they look like secrets: .env");
        expect(text).not.toContain("✘");
    });

    it("puts what is wrong first, each with its way out as a link", () => {
        const checks = [{id: "model", ok: false, detail: "there is none", fix: "Choose a GGUF file."}];
        const text = doctorText({...facts, report: {...(facts.report as never as object), checks} as never});
        expect(text.indexOf("✘ model: there is none")).toBeLessThan(text.indexOf("## Engine"));
        expect(text).toContain("Choose a GGUF file.");
        expect(linksIn(text)).toContain("kvasir.chooseModel");
    });

    it("is readable when the engine cannot be reached at all", () => {
        const text = doctorText({
            ...facts,
            report: {error: {message: "the engine could not be started: no.", fix: "Look at the log."}},
        });
        expect(text).toContain("✘ The engine could not be started: no.");
        expect(text).toContain("Look at the log.");
        expect(linksIn(text)).toEqual(expect.arrayContaining(["kvasir.restartEngine", "kvasir.showLog"]));
    });

    it("names the files that have ended the engine", () => {
        expect(doctorText({...facts, quarantined: ["src/bad.ts"]})).toMatch(
            /✘ .*left out until they change: src\/bad\.ts\./,
        );
    });

    it("names the settings that another window holds, and a workspace that is not trusted", () => {
        const text = doctorText({...facts, differing: ["budget"], isTrusted: false});
        expect(text).toContain("2 things need your attention:");
        expect(text).toContain("(budget)");
        expect(linksIn(text)).toContain("workbench.trust.manage");
    });
});
