/** llama.cpp for CUDA from a registry on the same machine that keeps its word, lies, cuts, stalls and refuses; by the real npm. */
import {createHash} from "node:crypto";
import {execFileSync} from "node:child_process";
import {
    existsSync,
    lstatSync,
    mkdirSync,
    mkdtempSync,
    readFileSync,
    readdirSync,
    rmSync,
    statSync,
    writeFileSync,
} from "node:fs";
import {once} from "node:events";
import {type ServerResponse, createServer} from "node:http";
import type {AddressInfo} from "node:net";
import {tmpdir} from "node:os";
import path from "node:path";
import {afterAll, beforeAll, describe, expect, it, onTestFinished} from "vitest";
import {type CudaPlace, addCuda, cudaOffer, linkCuda} from "../../../extension/engine/models/cuda-library.js";
import {cudaPackagesOfTarget, lookUpCuda} from "../../../scripts/package/cuda-packages.mjs";
import {root} from "../../../scripts/setup/paths.mjs";

const name = "@node-llama-cpp/linux-x64-cuda";
const folder = mkdtempSync(path.join(tmpdir(), "kvasir-cuda-"));
afterAll(() => rmSync(folder, {recursive: true, force: true}));
let tarball: Buffer;
let integrity: string;

beforeAll(() => {
    const source = path.join(folder, "package");
    mkdirSync(source);
    writeFileSync(path.join(source, "package.json"), JSON.stringify({name, version: "3.0.0", main: "index.js"}));
    writeFileSync(path.join(source, "index.js"), `export const text = "${"cuda ".repeat(20_000)}";\n`);
    execFileSync("tar", ["-czf", path.join(folder, "package.tgz"), "-C", folder, "package"]);
    tarball = readFileSync(path.join(folder, "package.tgz"));
    integrity = `sha512-${createHash("sha512").update(tarball).digest("base64")}`;
});

let nPlaces = 0;
/** @param answer to the request for the package itself */
async function placeWith(answer: (response: ServerResponse) => void): Promise<CudaPlace & {nAsked: () => number}> {
    let nAsked = 0;
    const server = createServer((request, response) => {
        if (request.url?.endsWith(".tgz") === true) {
            nAsked++;
            answer(response);
            return;
        }
        const {port} = server.address() as AddressInfo;
        const dist = {tarball: `http://127.0.0.1:${port}/cuda.tgz`, integrity};
        const versions = {"3.0.0": {name, version: "3.0.0", dist}};
        response.setHeader("content-type", "application/json");
        response.end(JSON.stringify({name, "dist-tags": {latest: "3.0.0"}, versions}));
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    onTestFinished(() => {
        server.closeAllConnections();
        server.close();
    });
    const here = path.join(folder, String(nPlaces++));
    mkdirSync(path.join(here, "node_modules"), {recursive: true});
    const {port} = server.address() as AddressInfo;
    return {
        list: {version: "3.0.0", packages: {here: [{name, integrity, bytes: 100_200}]}},
        modules: path.join(here, "node_modules"),
        kept: path.join(here, "kept"),
        target: "here",
        npm: ["npm"],
        env: {
            ...process.env,
            npm_config_registry: `http://127.0.0.1:${port}/`,
            npm_config_cache: path.join(here, "cache"),
            npm_config_userconfig: path.join(here, "npmrc"),
        },
        stallMs: 10_000,
        nAsked: () => nAsked,
    };
}

const never = new AbortController().signal;
const send = (response: ServerResponse) => void response.end(tarball);
const codeOf = (work: Promise<unknown>) =>
    work.then(
        () => "no error",
        (error: {code?: string}) => error.code,
    );
/** What is left of a try. */
const left = ({kept, modules}: CudaPlace) => [...(existsSync(kept) ? readdirSync(kept) : []), ...readdirSync(modules)];

describe("llama.cpp for CUDA", () => {
    it("is told with its size before anything is fetched, then fetched, linked, and linked again after an update", async () => {
        const place = await placeWith(send);
        expect(cudaOffer(place)).toEqual({
            packages: [{name, version: "3.0.0", integrity}],
            bytes: 100_200,
            isThere: false,
        });
        expect(place.nAsked()).toBe(0);
        await addCuda(place, never);
        const link = path.join(place.modules, name);
        expect(lstatSync(link).isSymbolicLink()).toBe(true);
        expect(readFileSync(path.join(link, "index.js"), "utf8")).toContain("cuda");
        expect(cudaOffer(place).isThere).toBe(true);
        // Another version of the extension comes with a folder of its own.
        const modules = path.join(path.dirname(place.modules), "updated");
        linkCuda({...place, modules});
        expect(existsSync(path.join(modules, name, "index.js"))).toBe(true);
        linkCuda({...place, modules});
    }, 60_000);

    it.each<[string, (response: ServerResponse) => void, string]>([
        ["lies", (response) => void response.end(Buffer.concat([tarball, Buffer.from("and more")])), "download-wrong"],
        [
            "cuts",
            (response) => {
                response.setHeader("content-length", tarball.length);
                response.write(tarball.subarray(0, 100), () => response.destroy());
            },
            "download-failed",
        ],
        ["refuses", (response) => void response.writeHead(403).end(), "download-forbidden"],
    ])(
        "of a registry that %s is not kept",
        async (_, answer, code) => {
            const place = await placeWith(answer);
            expect(await codeOf(addCuda(place, never))).toBe(code);
            expect(left(place)).toEqual([]);
        },
        60_000,
    );

    it("of a registry that stalls is given up, or cancelled at once", async () => {
        const stalling = await placeWith((response) => void response.write(tarball.subarray(0, 100)));
        expect(await codeOf(addCuda({...stalling, stallMs: 300}, never))).toBe("download-failed");
        expect(left(stalling)).toEqual([]);
        const cancelling = new AbortController();
        const place = await placeWith((response) => {
            response.write(tarball.subarray(0, 100));
            cancelling.abort();
        });
        expect(await codeOf(addCuda(place, cancelling.signal))).toBe("cancelled");
        expect(left(place)).toEqual([]);
    }, 60_000);

    it("is not offered where no checksum is known, or npm is missing", async () => {
        const place = await placeWith(send);
        expect(() => cudaOffer({...place, target: "plan9-mips"})).toThrow(/no llama.cpp for CUDA/);
        expect(await codeOf(addCuda({...place, npm: ["no-such-npm"]}, never))).toBe("usage");
    });

    it("is listed with the checksum and the size that the registry's file has, or not at all", async () => {
        const place = await placeWith(send);
        const found = await lookUpCuda("here", "3.0.0", place.env, {here: [name]});
        const source = path.join(folder, "package");
        const bytes = readdirSync(source).reduce((sum, file) => sum + statSync(path.join(source, file)).size, 0);
        expect(found).toEqual([{name, integrity, bytes}]);
        expect(await lookUpCuda("here", "3.0.1", place.env, {here: [name]})).toBeUndefined();
        expect(await lookUpCuda("plan9-mips", "3.0.0", place.env)).toBeUndefined();
        // Every target for which node-llama-cpp has builds for CUDA.
        const {optionalDependencies} = JSON.parse(
            readFileSync(path.join(root, "node_modules/node-llama-cpp/package.json"), "utf8"),
        ) as {optionalDependencies: Record<string, string>};
        expect(Object.values(cudaPackagesOfTarget).flat().sort()).toEqual(
            Object.keys(optionalDependencies)
                .filter((one) => one.includes("-cuda"))
                .sort(),
        );
    }, 60_000);

    it("has the version of the lock, and its checksums as far as that has them", () => {
        type Locked = Record<string, {version: string; integrity?: string}>;
        const {packages} = JSON.parse(readFileSync(path.join(root, "package-lock.json"), "utf8")) as {packages: Locked};
        const list = JSON.parse(readFileSync(path.join(root, "native-config/cuda.json"), "utf8")) as CudaPlace["list"];
        expect(list.version).toBe(packages["node_modules/node-llama-cpp"]?.version);
        for (const one of Object.values(list.packages).flat()) {
            const locked = packages[`node_modules/${one.name}`];
            expect(locked?.version).toBe(list.version);
            // A lock that was made where the registry lacks a package has no checksum of it.
            if (locked?.integrity !== undefined) expect(one.integrity).toBe(locked.integrity);
        }
    });
});
