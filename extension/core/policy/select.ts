/**
 * Choosing the highest of many scores, in linear time and with ties decided by place. Knows arrays only.
 */

/**
 * Marks as kept the `count` highest values of values[from, to) that are not marked yet; among equal values the
 * lower index wins. Takes all of them when there are fewer.
 *
 * @param kept one byte per value, 1 = kept
 * @throws Error when a value is NaN: no order exists then
 */
export function takeTop(values: Float32Array, from: number, to: number, count: number, kept: Uint8Array): void {
    if (count <= 0) {
        return;
    }
    const free = new Float32Array(to - from);
    let nFree = 0;
    for (let i = from; i < to; i++) {
        if (kept[i] === 0) {
            const value = values[i]!;
            if (value !== value) {
                throw new Error(`score ${i} is not a number`);
            }
            // Adding zero makes a negative zero the same as a positive one, in its bits too.
            free[nFree++] = value + 0;
        }
    }
    if (count >= nFree) {
        kept.fill(1, from, to);
        return;
    }
    const {threshold, nAbove} = thresholdOf(free.subarray(0, nFree), count);
    let nTies = count - nAbove;
    for (let i = from; i < to; i++) {
        if (kept[i] === 0) {
            const value = values[i]!;
            if (value > threshold || (value === threshold && nTies-- > 0)) {
                kept[i] = 1;
            }
        }
    }
}

/** Below this many values there is nothing to gain from sorting them roughly first. */
const fewValues = 256;
/** Sign, exponent and the highest bits of the mantissa. */
const binBits = 11;

/**
 * The k-th largest value (k from 1), and how many are larger. Scores are in no order, so every comparison of a
 * quickselect is a coin toss; counting them by their leading bits first leaves few to compare. Reorders nothing.
 */
function thresholdOf(values: Float32Array, k: number): {threshold: number; nAbove: number} {
    if (values.length < fewValues) {
        const threshold = kthLargest(values.slice(), k);
        return {threshold, nAbove: countAbove(values, threshold)};
    }
    const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
    const counts = new Int32Array(1 << binBits);
    for (let i = 0; i < bits.length; i++) {
        counts[binOf(bits[i]!)]!++;
    }
    let bin = counts.length - 1;
    let nHigher = 0;
    while (nHigher + counts[bin]! < k) {
        nHigher += counts[bin--]!;
    }
    const within = new Float32Array(counts[bin]!);
    for (let i = 0, n = 0; n < within.length; i++) {
        if (binOf(bits[i]!) === bin) {
            within[n++] = values[i]!;
        }
    }
    const threshold = kthLargest(within.slice(), k - nHigher);
    return {threshold, nAbove: nHigher + countAbove(within, threshold)};
}

/** Of a float's bits: in the order of the floats. */
function binOf(bits: number): number {
    return (bits ^ ((bits >> 31) | 0x80000000)) >>> (32 - binBits);
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
