import {describe, expect, it} from "vitest";
import {engineFolder} from "../../../extension/core/process/engine-folder.js";

const facts = {platform: "linux", env: {}, uid: 1000, temporary: "/tmp/", home: "/home/a"};

describe("where a user's engine is found", () => {
    it.each([
        ["the session's own folder", {env: {XDG_RUNTIME_DIR: "/run/user/1000"}}, "/run/user/1000/kvasir"],
        ["the temporary folder, with the user in its name", {}, "/tmp/kvasir-1000"],
        ["what is asked for", {env: {KVASIR_RUNTIME_DIR: "/x", XDG_RUNTIME_DIR: "/run/user/1000"}}, "/x"],
        ["not where a socket's path would be too long", {temporary: `/${"t".repeat(90)}`}, "/tmp/kvasir-1000"],
        [
            "not in a session folder that is too long",
            {env: {XDG_RUNTIME_DIR: `/run/${"ü".repeat(40)}`}},
            "/tmp/kvasir-1000",
        ],
        [
            "Windows' local folder",
            {platform: "win32", uid: undefined, env: {LOCALAPPDATA: "C:\\L"}},
            "C:\\L\\kvasir\\run",
        ],
    ])("%s", (_, change, expected) => {
        expect(engineFolder({...facts, ...change})).toBe(expected);
    });
});
