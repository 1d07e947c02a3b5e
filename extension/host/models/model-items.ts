/** Owns how models are shown in the picker, and what a download costs before it begins. Pure. */
import type {MachineFacts, ModelChoice, ModelFit} from "../../protocol/models.js";
import {type Translate, mib, thousands} from "../status/meter.js";

export interface ModelItem {
    label: string;
    description: string;
    detail: string;
    choice: ModelChoice;
}

export interface ModelGroups {
    here: ModelItem[];
    /** To download. */
    fitting: ModelItem[];
    tooLarge: ModelItem[];
}

export function modelItems(models: readonly ModelChoice[], current: string, t: Translate): ModelGroups {
    const groups: ModelGroups = {here: [], fitting: [], tooLarge: []};
    for (const choice of models) {
        const item = itemOf(choice, current, t);
        if (choice.path !== undefined) groups.here.push(item);
        else if (choice.fit?.where === "no") groups.tooLarge.push(item);
        else groups.fitting.push(item);
    }
    // The one to begin with first; the others as they came, from small to large.
    for (const list of [groups.here, groups.fitting, groups.tooLarge])
        list.sort((a, b) => rank(b.choice) - rank(a.choice));
    return groups;
}

function rank({isRecommended}: ModelChoice): number {
    return isRecommended ? 1 : 0;
}

function itemOf(choice: ModelChoice, current: string, t: Translate): ModelItem {
    const {name, path, reason, isRecommended, use, quant, source} = choice;
    const icon =
        reason !== undefined ? "$(error) " : path === current ? "$(check) " : isRecommended ? "$(star-full) " : "";
    const notes = [
        isRecommended ? t("to begin with") : undefined,
        path === current ? t("in use") : path === undefined ? undefined : source,
        quant,
        sizeText(choice, t),
        choice.isFim === false ? t("no fill-in") : undefined,
        choice.licence === undefined || choice.licence.isOpen ? undefined : `$(warning) ${choice.licence.name}`,
    ];
    return {
        label: `${icon}${name}`,
        description: notes.filter((note) => note !== undefined).join(" · "),
        detail:
            reason === undefined
                ? // The list cuts a line at its end: what decides comes first.
                  [placeText(choice.fit, t), speedText(choice, t), filesText(choice.fit, t), use]
                      .filter(Boolean)
                      .join(" · ")
                : t("Cannot be used: {0}", reason),
        choice,
    };
}

function placeText(fit: ModelFit | undefined, t: Translate): string {
    switch (fit?.where) {
        case "gpu":
            return t("fits on the GPU");
        case "partly":
            return t("only a part fits on the GPU: slow");
        case "cpu":
            return t("runs on the processor");
        case "no":
            return t("needs more memory than there is");
        case undefined:
            return "";
    }
}

function filesText(fit: ModelFit | undefined, t: Translate): string {
    if (fit?.where !== "gpu" && fit?.where !== "cpu") return "";
    const {quarter, eighth} = fit.residentTokens;
    return quarter > 0
        ? t("{0} to {1} tokens of files in memory", thousands(quarter), thousands(eighth))
        : t("no room for files");
}

function speedText({speed}: ModelChoice, t: Translate): string {
    if (speed === undefined) return "";
    return speed.basis === "measured" ? t("{0} (measured)", speed.class) : t("{0} (expected)", speed.class);
}

function sizeText({bytes, isBytesAbout}: ModelChoice, t: Translate): string {
    return isBytesAbout ? t("about {0}", mib(bytes)) : mib(bytes);
}

/** What is said before anything is fetched: disk, memory, network, licence. */
export function costText(choice: ModelChoice, machine: MachineFacts | undefined, source: string, t: Translate): string {
    const lines = [t("{0} are fetched from {1}.", sizeText(choice, t), source)];
    if (machine !== undefined)
        lines.push(t("Disk: {0} of {1} free in {2}.", mib(choice.bytes), mib(machine.disk.free), machine.disk.folder));
    if (choice.fit !== undefined && machine !== undefined) {
        const memory = mib(choice.bytes + choice.fit.kvBytes);
        const {where} = choice.fit;
        lines.push(
            machine.vram !== undefined && where === "gpu"
                ? t("GPU memory: up to {0} of {1}, what is kept of files included.", memory, mib(machine.vram.total))
                : t("Memory: up to {0} of {1}, what is kept of files included.", memory, mib(machine.ram.total)),
        );
    }
    if (choice.licence !== undefined) {
        const {name, isOpen, note} = choice.licence;
        lines.push(isOpen ? t("Licence: {0}.", name) : t("Licence: {0}, {1}.", name, note ?? ""));
    }
    return lines.join("\n");
}
