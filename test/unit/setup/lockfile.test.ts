import {readFileSync} from "node:fs";
import path from "node:path";
import {expect, it} from "vitest";
import {root} from "../../../scripts/setup/paths.mjs";

interface LockedPackage {
    version?: string;
    resolved?: string;
    os?: string[];
    optional?: boolean;
    dependencies?: Record<string, string>;
    devDependencies?: Record<string, string>;
    optionalDependencies?: Record<string, string>;
}
const read = (file: string): unknown => JSON.parse(readFileSync(path.join(root, file), "utf8"));
const {packages} = read("package-lock.json") as {packages: Record<string, LockedPackage>};
const manifest = read("package.json") as LockedPackage;

it("names no host: any registry serves the same bytes", () => {
    expect(Object.values(packages).filter(({resolved}) => resolved !== undefined)).toEqual([]);
});

it("pins every direct dependency exactly, and agrees with package.json", () => {
    const wanted = {...manifest.dependencies, ...manifest.devDependencies};
    for (const [name, version] of Object.entries(wanted)) {
        expect(version, name).toMatch(/^\d+\.\d+\.\d+$/);
        expect(packages[`node_modules/${name}`]?.version, name).toBe(version);
    }
    expect(packages[""]?.dependencies).toEqual(manifest.dependencies);
    expect(packages[""]?.devDependencies).toEqual(manifest.devDependencies);
});

// A registry may lag behind with some platforms; `npm ci` refuses a lock that leaves one out.
it("names llama.cpp's binaries of every platform, each for its platform only", () => {
    const binaries = packages["node_modules/node-llama-cpp"]?.optionalDependencies ?? {};
    expect(Object.keys(binaries).length).toBeGreaterThan(10);
    for (const [name, version] of Object.entries(binaries)) {
        expect(packages[`node_modules/${name}`], name).toMatchObject({version, optional: true});
        expect(packages[`node_modules/${name}`]?.os, name).toHaveLength(1);
    }
});
