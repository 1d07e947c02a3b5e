/** Every reliability scenario in a short form. The full ones are `npm run reliability -- NAME`; docs/reliability.md has their figures. */
import {beforeAll, expect, test} from "vitest";
import {buildReliability} from "../../scripts/test/reliability-programs.mjs";
import {cancels} from "./cancels.js";
import {diskTroubleWith} from "./disk-trouble.js";
import {killsWith} from "./kills.js";
import {mutations} from "./mutations.js";
import {restart} from "./restart.js";
import {type Scenario, figuresOf} from "./scenario.js";
import {soakWith} from "./soak.js";
import {writerKillsWith} from "./writer-kills.js";

const seed = 20_261_122;
const say = () => {};
const run = async (scenario: Scenario, n: number) => figuresOf(scenario, [await scenario.run({n, seed, say})]);
let programs: Awaited<ReturnType<typeof buildReliability>>;
beforeAll(async () => {
    programs = await buildReliability();
});

// What must hold is checked inside, after every step; here is what shows that the steps were taken.

test("600 mutations of segment files, indexes and messages", async () => {
    const figures = await run(mutations, 600);
    expect(figures).toMatchObject({nSegments: 360, nIndexes: 60, nMessages: 180});
    expect(Number(figures.misses) + Number(figures.codedErrors) + Number(figures.unchanged)).toBe(360);
    expect(figures.storedAnew).toBeGreaterThan(0);
});

test("40 cancels at random moments", async () => {
    const figures = await run(cancels, 40);
    expect(Number(figures.cancelled) + Number(figures.endedBefore)).toBe(40);
    expect(figures.cancelled).toBeGreaterThan(20);
});

test("a restart over 8 files", async () => {
    const figures = await run(restart, 8);
    expect(figures).toMatchObject({files: 8, firstAnswerFiles: 8, firstAnswerReadTokens: 0});
    expect(figures.firstAnswerReusedTokens).toBe(figures.tokens);
});

test("4 kills under load, the last one of the client", async () => {
    const worker = [programs.scenarios, "kill-worker"];
    const figures = await run(killsWith({worker, engine: programs.engine}), 4);
    expect(figures).toMatchObject({engineKills: 3, clientKills: 1, turnsLost: 0});
    expect(figures.answers).toBeGreaterThan(0);
});

test("30 kills of a program that writes segments and conversations", async () => {
    const figures = await run(writerKillsWith([programs.scenarios, "writer"]), 30);
    expect(figures).toMatchObject({kills: 30, segmentsLost: 0, turnsLost: 0});
    expect(figures.segmentsStored).toBeGreaterThan(0);
    expect(figures.turnsSaved).toBeGreaterThan(0);
});

test("a disk that is full, read-only, deleted, of another time or of another user", async () => {
    const figures = await run(diskTroubleWith([programs.scenarios, "disk-trouble"]), 1);
    expect(figures.answersCompared).toBe(12);
});

test("four clients at mixed work for a third of a minute", async () => {
    const figures = await run(soakWith({engine: programs.engine}), 1 / 3);
    expect(figures.clients).toBe(4);
    for (const kind of ["questions", "completions", "reads"]) expect(figures[kind]).toBeGreaterThan(0);
});
