/**
 * Dividing a whole number of rows among heads by weight: exact, capped, and the same every time. Knows numbers only.
 */

/**
 * Water-filling: the amounts min(cap_h, lambda * share_h) with lambda such that they sum to `total`. Heads without
 * share get something only when all others are full, and then in proportion to their room.
 *
 * @returns real amounts; their sum is `total`, or the sum of all caps when that is less
 */
export function waterFill(shares: ArrayLike<number>, caps: ArrayLike<number>, total: number): Float64Array {
    const n = shares.length;
    let heaviest = 0;
    for (let h = 0; h < n; h++) {
        heaviest = Math.max(heaviest, shares[h]!);
    }
    // The heaviest weighs 1, and what is a trillion times lighter nothing: lambda stays finite.
    const weights = Float64Array.from(shares, (share) => (share > 1e-12 * heaviest ? share / heaviest : 0));
    const amounts = new Float64Array(n);
    const isFull = new Uint8Array(n);
    let rest = total;
    let weightLeft = 0;
    for (let h = 0; h < n; h++) {
        weightLeft += weights[h]!;
    }
    // Every round fills at least one head, or ends.
    for (let hasFilled = true; hasFilled && weightLeft > 0;) {
        hasFilled = false;
        const lambda = rest / weightLeft;
        for (let h = 0; h < n; h++) {
            if (isFull[h] === 0 && weights[h]! > 0 && lambda * weights[h]! >= caps[h]!) {
                isFull[h] = 1;
                amounts[h] = caps[h]!;
                rest -= caps[h]!;
                hasFilled = true;
            }
        }
        weightLeft = 0;
        for (let h = 0; h < n; h++) {
            weightLeft += isFull[h] === 1 ? 0 : weights[h]!;
        }
    }
    if (weightLeft > 0) {
        for (let h = 0; h < n; h++) {
            if (isFull[h] === 0) {
                amounts[h] = (rest * weights[h]!) / weightLeft;
            }
        }
        return amounts;
    }
    let room = 0;
    for (let h = 0; h < n; h++) {
        room += caps[h]! - amounts[h]!;
    }
    const share = room > 0 ? Math.min(1, Math.max(0, rest) / room) : 0;
    for (let h = 0; h < n; h++) {
        amounts[h] = amounts[h]! + share * (caps[h]! - amounts[h]!);
    }
    return amounts;
}

/**
 * Whole numbers of rows per head: waterFill rounded down, what is left to the largest remainders (ties: lower index),
 * never above a cap. The sum is exactly min(total, sum of caps).
 *
 * @param caps whole numbers: the rows each head has
 */
export function apportion(weights: ArrayLike<number>, caps: ArrayLike<number>, total: number): Uint32Array {
    const amounts = waterFill(weights, caps, total);
    const counts = new Uint32Array(amounts.length);
    let left = total;
    for (let h = 0; h < amounts.length; h++) {
        // A hair of slack, so that 12 computed as 11.999999999 is 12.
        counts[h] = Math.min(caps[h]!, Math.floor(amounts[h]! + 1e-9));
        left -= counts[h]!;
    }
    // Steps of 2^-30, so that remainders which are equal but for rounding count as ties.
    const remainders = amounts.map((amount, h) => Math.round((amount - counts[h]!) * 2 ** 30));
    const order = Array.from(amounts.keys()).sort((a, b) => remainders[b]! - remainders[a]! || a - b);
    for (let hasRoom = true; left > 0 && hasRoom;) {
        hasRoom = false;
        for (const h of order) {
            if (left > 0 && counts[h]! < caps[h]!) {
                counts[h] = counts[h]! + 1;
                left--;
                hasRoom = true;
            }
        }
    }
    return counts;
}
