import {describe, expect, it} from "vitest";
import {parseArguments} from "../../../scripts/setup/arguments.mjs";
import {planSteps, type Step} from "../../../scripts/setup/plan.mjs";
import {SetupError} from "../../../scripts/setup/setup-error.mjs";
import {steps} from "../../../scripts/setup/steps/index.mjs";

function step(name: string, after: string[] = [], isOptional = false): Step {
    const unused = (): never => {
        throw new Error("planning runs nothing");
    };
    return {name, title: name, tools: [], after, isOptional, status: unused, run: unused};
}
const names = (plan: Step[]): string[] => plan.map(({name}) => name);
const some = [
    step("packages"),
    step("headers", ["packages"]),
    step("addon", ["headers"]),
    step("model"),
    step("browser", [], true),
];

describe("planSteps", () => {
    it("takes all but the optional steps, in their order", () => {
        expect(names(planSteps(some, {}))).toEqual(["packages", "headers", "addon", "model"]);
        expect(names(planSteps(some, {browser: true}))).toEqual(["packages", "headers", "addon", "model", "browser"]);
    });

    it("adds what a wanted step needs, at any depth, once", () => {
        expect(names(planSteps(some, {only: ["addon"]}))).toEqual(["packages", "headers", "addon"]);
        expect(names(planSteps(some, {only: ["model", "headers", "packages"]}))).toEqual([
            "packages",
            "headers",
            "model",
        ]);
    });

    it("names the steps there are when one is unknown", () => {
        expect(() => planSteps(some, {only: ["modle"]})).toThrow(SetupError);
        expect(() => planSteps(some, {only: ["modle"]})).toThrow(/no step "modle"/);
    });

    it("can order the real steps: each stands after those it needs", () => {
        steps.forEach(({after}, i) => {
            const before = steps.slice(0, i).map(({name}) => name);
            for (const needed of after) expect(before).toContain(needed);
        });
    });
});

describe("parseArguments", () => {
    it("reads both spellings of --only and adds them up", () => {
        expect(parseArguments(["--only", "addon,model"]).only).toEqual(["addon", "model"]);
        expect(parseArguments(["--only=addon", "--only", " model , "]).only).toEqual(["addon", "model"]);
        expect(parseArguments([])).toEqual({only: undefined, browser: false, quiet: false, list: false, help: false});
        expect(parseArguments(["--browser", "--quiet"])).toMatchObject({browser: true, quiet: true});
    });

    it.each([[["--only"]], [["--only", ""]], [["--only=,"]], [["--fast"]], [["addon"]]])(
        "refuses %j with the usage",
        (argv) => {
            expect(() => parseArguments(argv)).toThrow(SetupError);
        },
    );
});
