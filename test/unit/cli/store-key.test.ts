import {mkdtemp, rm, writeFile} from "node:fs/promises";
import {tmpdir} from "node:os";
import path from "node:path";
import {expect, onTestFinished, test} from "vitest";
import {storeKey} from "../../../extension/cli/common-flags.js";

const key = "ab".repeat(32);

test("the key of the store comes from the environment or from the file that it names, or there is none", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "kvasir-key-"));
    onTestFinished(() => rm(folder, {recursive: true}));
    await writeFile(path.join(folder, "key"), `${key}\n`);
    expect(storeKey({}, folder)).toEqual({});
    expect(storeKey({KVASIR_STORE_KEY: "", KVASIR_STORE_KEY_FILE: ""}, folder)).toEqual({});
    expect(storeKey({KVASIR_STORE_KEY: key}, folder)).toEqual({storeKey: key});
    expect(storeKey({KVASIR_STORE_KEY_FILE: "key"}, folder)).toEqual({storeKey: key});
    expect(() => storeKey({KVASIR_STORE_KEY_FILE: "none"}, folder)).toThrow(
        expect.objectContaining({code: "file-missing"}),
    );
});
