import {describe, expect, test} from "vitest";
import type {RepositoryFile} from "../../../extension/core/fidelity/make-pairs.js";
import {asked, withAnswer} from "../../../extension/core/fidelity/tasks/conversation.js";
import {makeTaskSets} from "../../../extension/core/fidelity/tasks/make-task-sets.js";
import {hideConstant} from "../../../extension/core/fidelity/tasks/needles.js";
import {questionsOf, unambiguous} from "../../../extension/core/fidelity/tasks/questions.js";
import {taskRows, type Answered} from "../../../extension/core/fidelity/tasks/task-rows.js";
import {seededRandom} from "../../../extension/core/fidelity/random.js";
import {runProgram} from "../cli/run-program.js";

const of = (path: string, lines: string[]) => questionsOf({path, text: lines.join("\n")});

describe("questionsOf", () => {
    test("a function by the first paragraph of its comment, and its parameters by its name", () => {
        const found = of("a.ts", [
            "/**",
            " * Joins the parts of {@link Address} with a separator between",
            " * each two of them.",
            " *",
            " * More about it.",
            " * @param parts what is joined",
            " */",
            "export function combine(parts: string[], separator = f(1)): string {",
        ]);
        expect(found).toEqual([
            {
                task: "function",
                path: "a.ts",
                prompt: "/** Joins the parts of Address with a separator between each two of them. */\nexport function ",
                answer: "combine",
                behind: "(",
                others: [],
            },
            {
                task: "parameters",
                path: "a.ts",
                prompt: "export function combine",
                answer: "(parts: string[], separator = f(1))",
                behind: "",
                others: [],
            },
        ]);
    });

    test.each([
        ["a comment that says the name", ["/** Why one should combine all of the parts. */", "function combine() {"]],
        ["a short comment", ["/** Joins the parts. */", "function combine() {"]],
        ["no comment", ["const x = 1;", "function combine() {"]],
        ["a value", ["/** Joins all the parts of something. */", "const combined = 1;"]],
        ["nothing but a tag", ["/** @internal for the tests of this file */", "function combine() {"]],
        ["parameters over several lines", ["function combine(", "    parts: string[],", ") {"]],
        ["no parameters", ["function combine() {"]],
    ])("%s asks nothing", (_, lines) => {
        expect(of("a.ts", lines)).toEqual([]);
    });

    test("arrow functions, and comments of other languages", () => {
        const comment = "Joins all the parts of something.";
        expect(of("a.ts", [`/** ${comment} */`, "export const combine = <A>(parts: A[]) => parts;"])[0]).toMatchObject({
            answer: "combine",
            behind: " ",
        });
        expect(of("a.go", [`// ${comment}`, "func combine(parts []string) string {"])[0]).toMatchObject({
            prompt: `// ${comment}\nfunc `,
        });
        expect(of("a.rs", [`/// ${comment}`, "pub fn combine(parts: &[String]) -> String {"])[0]).toMatchObject({
            prompt: `/// ${comment}\npub fn `,
        });
    });

    test("what has two answers among the files is not asked", () => {
        const one = of("a.ts", ["function combine(parts: string[]) {"]);
        expect(unambiguous(one, [{text: "function combine(parts: string[]) {"}])).toHaveLength(1);
        const overloaded = "function combine(parts: string[]): void;\nfunction combine(parts: number[]) {";
        expect(unambiguous(one, [{text: overloaded}])).toEqual([]);
        const described = of("a.ts", ["/** Joins all the parts of something. */", "function combine() {"]);
        expect(unambiguous([...described, ...described], [])).toEqual([]);
    });
});

describe("hideConstant", () => {
    const text = "// words\nimport x from 'x';\n\nexport const firstThing = 1;\n\n    indented();\n";
    const file: RepositoryFile = {path: "a.ts", text, nTokens: 30};

    test("puts a line between two paragraphs, and asks for its number", () => {
        const hidden = hideConstant(file, seededRandom(1), new Set())!;
        const {prompt, answer, behind} = hidden.question;
        expect(prompt).toMatch(/^const [A-Z_]+_LIMIT = $/);
        expect(answer).toMatch(/^\d{5}$/);
        const line = `${prompt}${answer}${behind}\n\n`;
        expect(hidden.file.text).toBe(text.replace("export const", `${line}export const`));
        expect(hideConstant(file, seededRandom(1), new Set())).toEqual(hidden);
    });

    test("not where there is no place, no language, or no free name", () => {
        const taken = new Set<string>();
        const named = {...file, text: "\n\nlongName\n"};
        expect(hideConstant(named, seededRandom(1), taken)).toBeDefined();
        expect(taken).toEqual(new Set(["LONG_NAME_LIMIT"]));
        expect(hideConstant(named, seededRandom(1), taken)).toBeUndefined();
        expect(hideConstant({...file, path: "a.txt"}, seededRandom(1), new Set())).toBeUndefined();
        expect(hideConstant({...file, text: "const one = 1;"}, seededRandom(1), new Set())).toBeUndefined();
    });
});

describe("makeTaskSets", () => {
    const files = Array.from({length: 12}, (_, i): RepositoryFile => ({
        path: `src/${i}.ts`,
        text: `import x from "x";\n\n/** Counts all things that file ${i} speaks of. */\nexport function thing${i}(first${i}: number, second: string) {}\n`,
        nTokens: 200,
    }));
    const options = {nSets: 2, seed: 1, contextTokens: 1000, maxFileTokens: 2000, perTask: 2};

    test("disjoint sets of about the tokens asked for, with questions of every task", () => {
        const sets = makeTaskSets(files, options);
        expect(sets).toHaveLength(2);
        expect(makeTaskSets(files, options)).toEqual(sets);
        const paths = sets.flatMap(({files: some}) => some.map(({path}) => path));
        expect(paths).toHaveLength(10);
        expect(new Set(paths).size).toBe(10);
        for (const {files: some, questions} of sets) {
            expect(questions.map(({task}) => task).sort()).toEqual([
                "constant",
                "constant",
                "function",
                "function",
                "parameters",
                "parameters",
            ]);
            const asked = questions.map(({task, prompt, answer}) => (task === "function" ? answer : prompt));
            expect(new Set(asked.map((text) => /thing\d+$/.exec(text)?.[0] ?? text)).size).toBe(6);
            for (const {task, answer, others} of questions) {
                expect(others, task).toHaveLength(task === "constant" ? 1 : 4);
                expect(others).not.toContain(answer);
            }
            for (const question of questions) {
                const {text} = some.find(({path}) => path === question.path)!;
                const last = question.prompt.slice(question.prompt.lastIndexOf("\n") + 1);
                expect(text).toContain(`${last}${question.answer}${question.behind}`);
            }
        }
    });

    test("what is left of a repository makes no small set", () => {
        expect(makeTaskSets(files.slice(0, 7), {...options, nSets: 5})).toHaveLength(1);
    });
});

test("answers stand in the text where they are said to", () => {
    const [one, two] = of("a.ts", [
        "/** Joins all the parts of something. */",
        "function combine(parts: string[]) {",
    ]) as [ReturnType<typeof of>[0], ReturnType<typeof of>[0]];
    const {text, answers} = asked([one, two], "// File: q.ts\n");
    expect(text).toBe(
        "// File: q.ts\n/** Joins all the parts of something. */\nfunction combine(\n\nfunction combine(parts: string[])\n\n",
    );
    expect(answers.map(({start, end}) => text.slice(start, end))).toEqual(["combine(", "(parts: string[])"]);
    expect(withAnswer(asked([one, two], ""), 0, "other")).toBe(
        "/** Joins all the parts of something. */\nfunction other(",
    );
});

test("rows by hand: two sets, three cuts", () => {
    const right = (task: Answered["task"], isRight: boolean, nll: number): Answered => ({
        ...{task, asking: "alone", isRight, nll},
        ...(task === "constant" ? {isChosen: undefined, nChoices: 1} : {isChosen: nll < 3, nChoices: 4}),
    });
    const sets = [
        [
            [right("function", false, 4), right("constant", false, 8)],
            [right("function", true, 1), right("constant", true, 1)],
            [right("function", true, 1), right("constant", false, 3)],
        ],
        [[right("function", true, 2)], [right("function", false, 2)], [right("function", true, 2)]],
    ];
    const cuts = [
        {policy: "none", budget: 0},
        {policy: "full", budget: 1},
        {policy: "aha-file", budget: 0.25},
    ];
    const rows = taskRows(cuts, sets, 1);
    expect(rows.map(({policy, task, questions}) => `${policy} ${task} ${questions}`)).toEqual(
        ["none", "full", "aha-file"].flatMap((policy) => [
            `${policy} all 3`,
            `${policy} function 2`,
            `${policy} constant 1`,
        ]),
    );
    const [noneAll, , , fullAll, , , cutAll, cutFunction] = rows;
    expect(noneAll!.accuracy).toBeCloseTo(1 / 3, 12);
    expect(fullAll).toMatchObject({kept: 1, asked: "alone"});
    // Right uncut are the two of the first set; the cut keeps one of them.
    expect(cutAll).toMatchObject({accuracy: 2 / 3, kept: 1 / 2, nll: 2});
    expect(cutFunction).toMatchObject({accuracy: 1, accuracyInterval: [1, 1], kept: 1, nll: 1.5, choice: 1});
    expect(noneAll).toMatchObject({choice: 1 / 2, chance: 1 / 4});
    expect(rows[2]).toMatchObject({task: "constant", choice: null, chance: null});
});

test.each([
    [["--asked", "twice"], "usage"],
    [["--budgets", "0"], "usage"],
    [["--budgets", "1"], "usage"],
    [["--policies", "nobody"], "unknown-policy"],
    [["--model", "gone.gguf"], "model-missing"],
])("bench tasks refuses %j before anything is loaded", async (args, code) => {
    const ran = await runProgram(process.cwd(), ["bench", "tasks", "--repo", ".", ...args, "--json"]);
    expect(JSON.parse(ran.out)).toMatchObject({error: {code}});
});
