import fc from "fast-check";
import {describe, expect, it} from "vitest";
import {StopTexts} from "../../../extension/cli/serve/stop-texts.js";

function pushed(stops: string[], pieces: string[]) {
    const given: string[] = [];
    const texts = new StopTexts(stops, (piece) => given.push(piece));
    for (const piece of pieces) texts.push(piece);
    texts.end();
    return {given, text: texts.text, isStopped: texts.isStopped};
}

describe("stop texts", () => {
    it("are found across pieces, and nothing of them is given out", () => {
        expect(pushed(["\n\nUser:"], ["Hello", "\n", "\nUs", "er: next"])).toEqual({
            given: ["Hello"],
            text: "Hello",
            isStopped: true,
        });
    });

    it("hold back only what may become one", () => {
        expect(pushed(["END"], ["sta", "rt E", "N"]).given).toEqual(["sta", "rt ", "EN"]);
    });

    it("cut any text in any pieces where it contains the first of them", () => {
        const letter = fc.constantFrom("a", "b", "c");
        const word = fc.string({unit: letter, minLength: 1, maxLength: 3});
        fc.assert(
            fc.property(
                fc.array(word, {maxLength: 3}),
                fc.array(fc.string({unit: letter}), {maxLength: 8}),
                (stops, pieces) => {
                    const whole = pieces.join("");
                    const places = stops.map((stop) => whole.indexOf(stop)).filter((at) => at >= 0);
                    const {text, given, isStopped} = pushed(stops, pieces);
                    // A longer stop may begin before one that is complete sooner: then the sooner one counts.
                    if (places.length === 0) expect(text).toBe(whole);
                    else expect(stops.some((stop) => whole.startsWith(text + stop))).toBe(true);
                    expect(isStopped).toBe(places.length > 0);
                    expect(given.join("")).toBe(text);
                },
            ),
        );
    });
});
