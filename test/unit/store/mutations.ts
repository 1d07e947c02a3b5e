/** Random damage to a file: what disks, crashes and other programs do to it. */

export const mutationKinds = ["flip", "truncate", "duplicate", "grow", "zero", "cut"] as const;
export type MutationKind = (typeof mutationKinds)[number];

/** A damaged copy. It can be equal to the original: zeroing zeros changes nothing. */
export function mutate(original: Buffer, kind: MutationKind, random: () => number): Buffer {
    const place = (): number => Math.floor(random() * original.length);
    const from = place();
    const length = 1 + Math.floor(random() * Math.min(4096, original.length - from));
    const before = original.subarray(0, from);
    const after = original.subarray(from + length);
    const block = original.subarray(from, from + length);
    switch (kind) {
        case "flip": {
            const copy = Buffer.from(original);
            for (let n = 1 + Math.floor(random() * 3); n > 0; n--) {
                const at = place();
                copy[at] = (copy[at] as number) ^ (1 << Math.floor(random() * 8));
            }
            return copy;
        }
        case "truncate":
            return Buffer.from(before);
        case "duplicate":
            return Buffer.concat([before, block, block, after]);
        case "grow":
            return Buffer.concat([original, Buffer.from(Array.from({length}, () => Math.floor(random() * 256)))]);
        case "zero":
            return Buffer.concat([before, Buffer.alloc(length), after]);
        case "cut":
            return Buffer.concat([before, after]);
    }
}
