/** Numbers in half precision (IEEE 754 binary16), as scores are stored: two bytes each, little-endian. */

/** The largest finite half. */
export const maxHalf = 65504;

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** Rounded to the nearest half, ties to even; what is larger than `maxHalf` becomes infinite. */
export function toHalves(values: Float32Array): Uint8Array {
    const bytes = new Uint8Array(2 * values.length);
    const view = new DataView(bytes.buffer);
    values.forEach((value, i) => view.setUint16(2 * i, toHalf(value), true));
    return bytes;
}

export function fromHalves(bytes: Uint8Array): Float32Array {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return Float32Array.from({length: bytes.byteLength / 2}, (_, i) => fromHalf(view.getUint16(2 * i, true)));
}

function toHalf(value: number): number {
    float[0] = value;
    const from = bits[0]!;
    const sign = (from >>> 16) & 0x8000;
    const exponent = (from >>> 23) & 0xff;
    const fraction = from & 0x7fffff;
    if (exponent === 0xff) return sign | 0x7c00 | (fraction === 0 ? 0 : 0x200);
    const half = exponent - 127 + 15;
    if (half >= 31) return sign | 0x7c00;
    // Below 2^-14 a half has fewer digits the smaller it is; below 2^-25 it is zero.
    const shift = half > 0 ? 13 : 14 - half;
    if (shift > 24) return sign;
    const digits = half > 0 ? (half << 23) | fraction : 0x800000 | fraction;
    const kept = digits >>> shift;
    const rest = digits & ((1 << shift) - 1);
    const middle = 1 << (shift - 1);
    // A carry out of the fraction raises the exponent by one, which is right, up to infinity.
    return sign | (kept + (rest > middle || (rest === middle && (kept & 1) === 1) ? 1 : 0));
}

function fromHalf(half: number): number {
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >>> 10) & 31;
    const fraction = half & 0x3ff;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
    return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
