// The safetensors format (github.com/huggingface/safetensors): eight bytes with the length of a JSON header, the header with dtype, shape
// and byte range of each tensor, then the bytes. In: a file's bytes. Out: tensors as f32 numbers, or the reverse.

export interface HostTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}
interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

const bits = new DataView(new ArrayBuffer(4));
const fromBits = (word: number): number => {
  bits.setUint32(0, word);
  return bits.getFloat32(0);
};
const half = (h: number): number => {
  const [exponent, mantissa] = [(h >> 10) & 31, h & 1023];
  const size =
    exponent === 31
      ? mantissa
        ? Number.NaN
        : Infinity
      : exponent
        ? (1 + mantissa / 1024) * 2 ** (exponent - 15)
        : mantissa * 2 ** -24;
  return h & 0x8000 ? -size : size;
};
/** Bytes of an element, and the element at a byte. */
const READ: { readonly [dtype: string]: readonly [number, (v: DataView, at: number) => number] } = {
  F32: [4, (v, at) => v.getFloat32(at, true)],
  F16: [2, (v, at) => half(v.getUint16(at, true))],
  BF16: [2, (v, at) => fromBits(v.getUint16(at, true) << 16)],
};

/**
 * All tensors of a file.
 * @throws Error for files that are cut off or no safetensors files, and for dtypes other than F32, F16 and BF16; names the tensor.
 */
export function readSafetensors(bytes: Uint8Array): ReadonlyMap<string, HostTensor> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = bytes.byteLength < 8 ? Infinity : Number(view.getBigUint64(0, true));
  if (8 + length > bytes.byteLength)
    throw new Error(`this is no safetensors file, or it is cut off: a header of ${length} bytes in ${bytes.byteLength}`);
  let header: { readonly [name: string]: Entry };
  try {
    header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  } catch (e) {
    throw new Error(`the header of this safetensors file is no JSON: ${(e as Error).message}`);
  }
  const out = new Map<string, HostTensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const [size, read] = READ[entry.dtype] ?? [];
    if (!size || !read)
      throw new Error(`tensor '${name}' has dtype ${entry.dtype}; expected one of ${Object.keys(READ).join(', ')}`);
    const n = entry.shape.reduce((a, b) => a * b, 1);
    const [from, to] = entry.data_offsets.map((o) => o + 8 + length);
    if (to - from !== n * size || to > bytes.byteLength)
      throw new Error(
        `tensor '${name}' of shape [${entry.shape}] needs ${n * size} bytes; the file has ${Math.min(to, bytes.byteLength) - from}`,
      );
    out.set(name, { shape: entry.shape, data: Float32Array.from({ length: n }, (_, i) => read(view, from + i * size)) });
  }
  return out;
}

/** A file with these tensors, as F32. */
export function writeSafetensors(tensors: ReadonlyMap<string, HostTensor>): Uint8Array {
  const header: { [name: string]: Entry } = {};
  let size = 0;
  for (const [name, t] of tensors) {
    header[name] = { dtype: 'F32', shape: t.shape, data_offsets: [size, size + 4 * t.data.length] };
    size += 4 * t.data.length;
  }
  // Tensors begin at a multiple of eight bytes: the header is padded with spaces, as the format allows.
  let text = JSON.stringify(header);
  text += ' '.repeat((8 - (text.length % 8)) % 8);
  const head = new TextEncoder().encode(text);
  const bytes = new Uint8Array(8 + head.length + size);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(head.length), true);
  bytes.set(head, 8);
  let at = 8 + head.length;
  for (const t of tensors.values())
    for (const x of t.data) {
      view.setFloat32(at, x, true);
      at += 4;
    }
  return bytes;
}
