/**
 * Choosing the highest of many scores, in linear time and with ties decided by place. Knows arrays only.
 */

/** Sign, exponent and the highest bits of the mantissa. */
const binBits = 11;

/**
 * Marks as kept the `count` highest values of values[from, to) that are not marked yet; among equal values the
 * lower index wins. Takes all of them when there are fewer.
 *
 * Scores are in no order, so every comparison of a quickselect is a coin toss: they are counted by their leading bits first,
 * which leaves few to compare. For the same reason the loops over all values have no branches.
 *
 * @param kept one byte per value, 1 = kept
 * @throws Error when a value is NaN: no order exists then
 */
export function takeTop(values: Float32Array, from: number, to: number, count: number, kept: Uint8Array): void {
    if (count <= 0) {
        return;
    }
    const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
    const counts = new Uint32Array(1 << binBits);
    let nFree = 0;
    let hasNaN = 0;
    for (let i = from; i < to; i++) {
        const isFree = 1 - kept[i]!;
        counts[binOf(bits[i]!)]! += isFree;
        nFree += isFree;
        hasNaN |= (bits[i]! & 0x7fffffff) > infinityBits ? isFree : 0;
    }
    if (hasNaN === 1) {
        throw new Error(`one of the scores ${from} to ${to - 1} is not a number`);
    }
    if (count >= nFree) {
        kept.fill(1, from, to);
        return;
    }
    let bin = counts.length - 1;
    let nHigher = 0;
    while (nHigher + counts[bin]! < count) {
        nHigher += counts[bin--]!;
    }
    const within = new Float32Array(counts[bin]!);
    for (let i = from, n = 0; n < within.length; i++) {
        if (binOf(bits[i]!) === bin && kept[i] === 0) {
            within[n++] = values[i]!;
        }
    }
    const threshold = kthLargest(within, count - nHigher);
    let nTies = count - nHigher - countAbove(within, threshold);
    for (let i = from; i < to; i++) {
        const value = values[i]!;
        if (value === threshold && kept[i] === 0 && nTies > 0) {
            kept[i] = 1;
            nTies--;
        }
        kept[i] = kept[i]! | (value > threshold ? 1 : 0);
    }
}

const infinityBits = 0x7f800000;
const signBit = 1 << 31;

/** Of a float's bits: in the order of the floats. A negative zero is as good as a positive one. */
function binOf(bits: number): number {
    const same = bits === signBit ? 0 : bits;
    return (same ^ ((same >> 31) | signBit)) >>> (32 - binBits);
}

function countAbove(values: Float32Array, threshold: number): number {
    let n = 0;
    for (let i = 0; i < values.length; i++) {
        n += values[i]! > threshold ? 1 : 0;
    }
    return n;
}

/** The k-th largest value (k from 1), by quickselect with the median of three as pivot. Reorders `values`. */
export function kthLargest(values: Float32Array, k: number): number {
    let low = 0;
    let high = values.length - 1;
    const target = k - 1;
    while (low < high) {
        const a = values[low]!;
        const b = values[(low + high) >> 1]!;
        const c = values[high]!;
        const pivot = Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
        let left = low;
        let right = high;
        while (left <= right) {
            while (values[left]! > pivot) {
                left++;
            }
            while (values[right]! < pivot) {
                right--;
            }
            if (left <= right) {
                const swapped = values[left]!;
                values[left++] = values[right]!;
                values[right--] = swapped;
            }
        }
        if (target <= right) {
            high = right;
        } else if (target >= left) {
            low = left;
        } else {
            return values[target]!;
        }
    }
    return values[target]!;
}
