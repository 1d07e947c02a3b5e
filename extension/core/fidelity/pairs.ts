/** The file of pairs that fidelity is measured on: its form and its checks. */
import * as z from "zod";
import {pairsInvalid} from "../../protocol/errors.js";

const pairFile = z.object({path: z.string().min(1), text: z.string()});

const sampleSchema = pairFile.extend({
    text: z.string().min(1),
    /** Files that the target is written beside, each read alone. */
    context: z.array(pairFile).min(1),
});

const pairsSchema = z.object({
    /** What stands before every file. Left out: the layout that Kvasir itself uses with the model. */
    prefix: z.string().optional(),
    samples: z.array(sampleSchema).min(1),
});

export type Sample = z.infer<typeof sampleSchema>;
export type Pairs = z.infer<typeof pairsSchema>;

/**
 * @param path shown in the error
 * @throws KvasirError `pairs-invalid` naming the first thing that is wrong
 */
export function parsePairs(text: string, path: string): Pairs {
    let data: unknown;
    try {
        data = JSON.parse(text);
    } catch (error) {
        throw pairsInvalid(path, text.trim() === "" ? "it is empty" : "it is not JSON", error);
    }
    const parsed = pairsSchema.safeParse(data);
    if (parsed.success) return parsed.data;
    const {path: place, message} = parsed.error.issues[0]!;
    throw pairsInvalid(path, `${place.length === 0 ? "it" : place.join(".")}: ${message}`);
}
