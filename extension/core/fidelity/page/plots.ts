/** The two plots of a fidelity report, from its rows: what is kept of the benefit, and how far predictions move. */
import type {QualityRow} from "../measurements.js";
import type {LinePlot, PlotPoint} from "./line-plot.js";
import {twoDecimals} from "./markup.js";
import type {SeriesStyle} from "./series.js";

/** @param rows of one position */
export function recoveredPlot(rows: readonly QualityRow[], styles: readonly SeriesStyle[]): LinePlot {
    return {
        title: "Benefit that is kept",
        unit: "R",
        points: rows.flatMap(({policy, budget, recovered, recoveredInterval}): PlotPoint[] =>
            policy === "full" || recovered === null || recoveredInterval === null
                ? []
                : [{policy, budget, value: recovered, interval: recoveredInterval}],
        ),
        styles,
        scale: "linear",
        yardstick: {value: 1, name: "every row kept"},
        format: twoDecimals,
    };
}

export function klPlot(rows: readonly QualityRow[], styles: readonly SeriesStyle[]): LinePlot {
    return {
        title: "Distance from uncut files",
        unit: "KL, nats per token",
        points: rows.flatMap(({policy, budget, kl, klInterval}) =>
            policy === "full" ? [] : [{policy, budget, value: kl, interval: klInterval}],
        ),
        styles,
        scale: "log",
        format: (value) => String(Number(value.toPrecision(2))),
    };
}
