/** All models there are to choose from, with what fits: the catalogue and the files of this machine in one table. */
import {fitOf, recommended, speedOn} from "../../core/models/advice.js";
import type {CatalogueEntry, MachineFacts, ModelChoice, ModelFit} from "../../protocol/models.js";
import {toKvasirError} from "../../protocol/errors.js";
import {readGgufFacts} from "./gguf-facts.js";
import type {LocalModel} from "./local-models.js";

/**
 * @param machine without it nothing is said of what fits
 * @returns local files first, then those of the catalogue that are not here, from small to large
 */
export async function modelChoices(
    models: readonly CatalogueEntry[],
    local: readonly LocalModel[],
    machine: MachineFacts | undefined,
): Promise<ModelChoice[]> {
    const here = await Promise.all(local.map((model) => localChoice(model, models, machine)));
    const hereIds = new Set(here.map(({id}) => id));
    const fits = models.map((entry) => ({entry, fit: machine && fitOf(entry.bytes, entry.shape, machine)}));
    const best =
        machine &&
        recommended(
            fits.map(({entry, fit}) => ({entry, fit: fit!})),
            machine,
        );
    const marked = here.map((choice) => ({...choice, isRecommended: best !== undefined && choice.id === best.id}));
    const remote = fits
        .filter(({entry}) => !hereIds.has(entry.id))
        .sort((a, b) => a.entry.bytes - b.entry.bytes)
        .map(({entry, fit}): ModelChoice => ({
            ...ofEntry(entry, fit),
            name: entry.name,
            source: "catalogue",
            bytes: entry.bytes,
            ...(entry.isBytesAbout ? {isBytesAbout: true} : {}),
            quant: entry.quant,
            window: entry.window,
            ...(fit === undefined ? {} : {fit}),
            isRecommended: entry === best,
        }));
    return [...marked, ...remote];
}

function ofEntry({id, licence, isFim, speed, use}: CatalogueEntry, fit: ModelFit | undefined) {
    return {id, licence, isFim, use, ...(fit === undefined ? {} : {speed: speedOn(speed, fit.where)})};
}

async function localChoice(
    {name, path, bytes, source}: LocalModel,
    models: readonly CatalogueEntry[],
    machine: MachineFacts | undefined,
): Promise<ModelChoice> {
    // The same file under the same name and of the same size; what it is worth, its own header says.
    const entry = models.find((each) => each.bytes === bytes && each.file.replace(/\.gguf$/i, "") === name);
    const known = entry && ofEntry(entry, machine && fitOf(bytes, entry.shape, machine));
    const choice = {...known, name, path, source, bytes, isRecommended: false};
    try {
        const {quant, window, isFim, shape, reason} = await readGgufFacts(path);
        return {
            ...choice,
            isFim,
            ...(quant === undefined ? {} : {quant}),
            ...(window === undefined ? {} : {window}),
            ...(reason === undefined ? {} : {reason}),
            ...(machine === undefined || shape === undefined ? {} : {fit: fitOf(bytes, shape, machine)}),
        };
    } catch (error) {
        return {...choice, reason: toKvasirError(error).message};
    }
}
