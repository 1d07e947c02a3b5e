import {describe, expect, it} from "vitest";
import {lazily} from "../../../extension/host/lazily.js";

function part() {
    const made = {isDisposed: false, dispose: () => void (made.isDisposed = true)};
    return made;
}

describe("a part that is loaded at its first use", () => {
    it("is loaded once, however often it is asked for", async () => {
        let nLoads = 0;
        const get = lazily(() => {
            nLoads++;
            return Promise.resolve(part());
        });
        expect(nLoads).toBe(0);
        const [first, second] = await Promise.all([get(), get()]);
        expect(first).toBe(second);
        expect(await get()).toBe(first);
        expect(nLoads).toBe(1);
    });

    it("is tried again after it could not be loaded", async () => {
        let nLoads = 0;
        const get = lazily(() => (++nLoads === 1 ? Promise.reject(new Error("no file")) : Promise.resolve(part())));
        await expect(get()).rejects.toThrow("no file");
        await expect(get()).resolves.toMatchObject({isDisposed: false});
        expect(nLoads).toBe(2);
    });

    it("ends with its disposable, also while it is being loaded, and is not loaded for that", async () => {
        let finish: (made: ReturnType<typeof part>) => void = () => undefined;
        const loading = lazily(() => new Promise<ReturnType<typeof part>>((resolve) => (finish = resolve)));
        const asked = loading();
        loading.dispose();
        const made = part();
        finish(made);
        await asked;
        expect(made.isDisposed).toBe(true);

        let nLoads = 0;
        const unused = lazily(() => {
            nLoads++;
            return Promise.resolve(part());
        });
        unused.dispose();
        expect(nLoads).toBe(0);
    });
});
