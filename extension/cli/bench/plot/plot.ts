/** `kvasir bench plot`: pictures of what `bench quality --json` measured, of one run or several. Measures nothing. */
import {mkdir, readFile} from "node:fs/promises";
import path from "node:path";
import * as z from "zod";
import {profilePicture, qualityPictures} from "../../../core/fidelity/page/picture.js";
import type {QualityRow} from "../../../core/fidelity/measurements.js";
import {headProfileSchema} from "../../../core/policy/head-profile.js";
import {writeFileAtomically} from "../../../engine/store/write-file-atomically.js";
import {fileMissing, usage} from "../../../protocol/errors.js";
import type {CommandContext, CommandResult} from "../../command-context.js";
import type {CommonFlags} from "../../common-flags.js";
import {formatNumberOf} from "../../output/units.js";

export interface PlotFlags extends CommonFlags {
    out: string;
    policies?: string[];
    profile?: string;
}

const interval = z.tuple([z.number(), z.number()]);

const rowsSchema = z.object({
    rows: z
        .array(
            z.object({
                policy: z.string().min(1),
                budget: z.number().positive().max(1),
                position: z.enum(["parallel", "sequential"]),
                recovered: z.number().nullable(),
                recoveredInterval: interval.nullable(),
                recoveredAll: z.number().nullable(),
                kl: z.number(),
                top1: z.number(),
                bytesShare: z.number(),
                // Kept by those who join runs: what else differed between them.
                rowType: z.string().optional(),
                profile: z.string().optional(),
            }),
        )
        .min(1),
});

export async function runPlot(
    {root}: CommandContext,
    files: readonly string[],
    flags: PlotFlags,
): Promise<CommandResult> {
    const rows: QualityRow[] = [];
    for (const file of files) {
        const {rows: found} = await parsed(
            path.resolve(root, file),
            file,
            rowsSchema,
            "rows of `bench quality --json`",
        );
        for (const {rowType = flags.rowType, profile, ...row} of found) {
            const isMeant =
                row.position === flags.position &&
                rowType === flags.rowType &&
                profile === undefined &&
                (flags.policies?.includes(row.policy) ?? true);
            const isKnown = rows.some(({policy, budget}) => policy === row.policy && budget === row.budget);
            // A report in JSON has no interval of KL.
            if (isMeant && !isKnown) rows.push({...row, klInterval: [row.kl, row.kl]});
        }
    }
    if (rows.length === 0)
        throw usage(
            `there are no rows with ${flags.position} positions and ${flags.rowType} rows to plot.`,
            "Name other files, or choose others with --position, --row-type and --policies.",
        );
    const pictures = qualityPictures(rows);
    if (flags.profile !== undefined) {
        const profile = await parsed(
            path.resolve(root, flags.profile),
            flags.profile,
            headProfileSchema,
            "head profile",
        );
        for (const {share, perHead} of profile.budgets)
            pictures.push({name: `profile-${Number((100 * share).toFixed(2))}`, svg: profilePicture(share, perHead)});
    }
    const folder = path.resolve(root, flags.out);
    await mkdir(folder, {recursive: true});
    const paths: string[] = [];
    for (const {name, svg} of pictures) {
        const file = path.join(folder, `${name}.svg`);
        await writeFileAtomically(file, async (handle) => void (await handle.writeFile(svg)));
        paths.push(path.relative(root, file));
    }
    return {
        json: {rows: rows.length, pictures: paths},
        text: `${formatNumberOf(pictures.length, "picture")} of ${formatNumberOf(rows.length, "row")} in ${flags.out}`,
        exitCode: 0,
    };
}

/** @throws KvasirError `file-missing`; `usage` when the file holds something else */
async function parsed<T>(file: string, name: string, schema: z.ZodType<T>, what: string): Promise<T> {
    const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
        throw error.code === "ENOENT" ? fileMissing(file) : usage(`${name} cannot be read: ${error.message}.`);
    });
    let data: unknown;
    try {
        data = JSON.parse(text);
    } catch {
        throw usage(`${name} holds no ${what}: it is not JSON.`);
    }
    const result = schema.safeParse(data);
    if (result.success) return result.data;
    const {path: place, message} = result.error.issues[0]!;
    throw usage(`${name} holds no ${what}: ${[...place, message].join(": ")}.`);
}
