import {defineConfig} from "vitest/config";

// One project per cost: unit is pure and parallel; native and engine load llama.cpp, so their files
// run one after another in one fork (two models in memory at once would fight for cores and RAM).
const oneAtATime = {
    pool: "forks",
    fileParallelism: false,
    isolate: true,
    testTimeout: 180_000,
    hookTimeout: 300_000,
} as const;

export default defineConfig({
    test: {
        projects: [
            {test: {name: "unit", include: ["test/unit/**/*.test.ts"], testTimeout: 20_000}},
            {test: {name: "native", include: ["test/native/**/*.test.ts"], ...oneAtATime}},
            {test: {name: "engine", include: ["test/engine/**/*.test.ts"], ...oneAtATime}},
            // With peers that take long to build: `npm run test:peers`.
            {test: {name: "peers", include: ["test/peers/**/*.test.ts"], ...oneAtATime}},
            {test: {name: "reliability", include: ["test/reliability/**/*.test.ts"], ...oneAtATime}},
            // One VS Code at a time, started once for all files of the folder.
            {test: {name: "ui", include: ["test/ui/**/*.test.ts"], ...oneAtATime}},
        ],
    },
});
