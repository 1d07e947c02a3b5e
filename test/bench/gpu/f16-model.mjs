/**
 * Writes the weights of a Q4_1 or Q8_0 model in f16: the same model without the rounding of activations to 8 bits that
 * multiplying by quantised weights brings, which two runs that are the same in exact arithmetic differ by.
 *
 *     node test/bench/gpu/f16-model.mjs QUANTISED.gguf OUT.gguf
 */
import {closeSync, openSync, readFileSync} from "node:fs";
import {aligned, headerOf, readModel, write} from "./gguf.mjs";

const types = {f32: 0, f16: 1, q4_1: 3, q8_0: 8};
const blockTokens = 32;

const [, , from, to] = process.argv;
if (from === undefined || to === undefined) {
    process.stderr.write("usage: f16-model.mjs QUANTISED.gguf OUT.gguf\n");
    process.exit(2);
}
const {pairs, tensors} = readModel(readFileSync(from));
const fileType = Buffer.alloc(8);
fileType.writeUInt32LE(4);
fileType.writeUInt32LE(1, 4);
pairs.set("general.file_type", fileType);
const written = tensors.map((tensor) => ({...tensor, type: tensor.type === types.f32 ? types.f32 : types.f16}));
const fd = openSync(to, "w");
write(fd, headerOf(pairs, written, bytesOf));
tensors.forEach((tensor, i) => {
    const nBytes = bytesOf(written[i]);
    write(fd, tensor.type === types.f32 ? tensor.data.subarray(0, nBytes) : asF16(tensor));
    write(fd, Buffer.alloc(aligned(nBytes) - nBytes));
});
closeSync(fd);

function nOf({dims}) {
    return dims.reduce((a, b) => a * b, 1);
}

function bytesOf(tensor) {
    return nOf(tensor) * (tensor.type === types.f32 ? 4 : 2);
}

/** Blocks of 32: Q4_1 is scale, least value, 16 bytes of two nibbles (0..15 low, 16..31 high); Q8_0 is scale, 32 bytes. */
function asF16(tensor) {
    const {data, type, name} = tensor;
    if (type !== types.q4_1 && type !== types.q8_0) throw new Error(`${name} is neither Q4_1 nor Q8_0 (type ${type})`);
    const n = nOf(tensor);
    const out = Buffer.alloc(2 * n);
    const blockBytes = type === types.q4_1 ? 20 : 34;
    for (let block = 0; block * blockTokens < n; block++) {
        const at = block * blockBytes;
        const scale = fromF16(data.readUInt16LE(at));
        const least = type === types.q4_1 ? fromF16(data.readUInt16LE(at + 2)) : 0;
        for (let i = 0; i < blockTokens; i++) {
            const q =
                type === types.q8_0
                    ? data.readInt8(at + 2 + i)
                    : i < 16
                      ? data[at + 4 + i] & 15
                      : data[at + 4 + i - 16] >> 4;
            out.writeUInt16LE(toF16(scale * q + least), 2 * (block * blockTokens + i));
        }
    }
    return out;
}

function fromF16(bits) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const mantissa = bits & 1023;
    return sign * (exponent === 0 ? mantissa * 2 ** -24 : (1 + mantissa / 1024) * 2 ** (exponent - 15));
}

/** To the nearest half, ties to even. Weights are finite and small. */
function toF16(value) {
    const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
    const size = Math.abs(value);
    const exponent = Math.max(-14, Math.floor(Math.log2(size || 2 ** -24)));
    const steps = size / 2 ** (exponent - 10);
    const floor = Math.floor(steps);
    const rest = steps - floor;
    const rounded = rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
    // A mantissa that rounds up to the next power of two carries into the exponent by itself.
    return sign | (exponent === -14 ? rounded : ((exponent + 14) << 10) + rounded);
}
