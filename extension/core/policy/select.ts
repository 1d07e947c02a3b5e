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
            free[nFree++] = value;
        }
    }
    if (count >= nFree) {
        kept.fill(1, from, to);
        return;
    }
    const threshold = kthLargest(free.subarray(0, nFree), count);
    let nAbove = 0;
    for (let i = 0; i < nFree; i++) {
        nAbove += free[i]! > threshold ? 1 : 0;
    }
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
