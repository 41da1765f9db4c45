// Cuts a golden manifest down: keeps the cases whose kernel and id match, packs their tensors anew (equal bytes stored once,
// 16-byte aligned) and compresses them. How test/golden/ was made; see its README.
//   node --import ./scripts/register.mjs scripts/golden/pack.ts FROM.json TO.json [--kernel RE] [--id RE]

import { readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { brotliCompressSync, constants } from 'node:zlib';
import { type Manifest, readManifest, type TensorRef } from './manifest.ts';

const ALIGNMENT = 16;

/** Collects tensors; `place` returns where the bytes stand in the new file. */
class Packer {
  private readonly chunks: Uint8Array[] = [];
  private readonly seen = new Map<string, number>();
  private length = 0;

  place(bytes: Uint8Array): number {
    const key = Buffer.from(bytes).toString('latin1');
    const known = this.seen.get(key);
    if (known !== undefined) return known;
    const offset = this.length;
    const padding = -bytes.length & (ALIGNMENT - 1);
    this.chunks.push(bytes, new Uint8Array(padding));
    this.length += bytes.length + padding;
    this.seen.set(key, offset);
    return offset;
  }
  all = (): Uint8Array => Buffer.concat(this.chunks);
}

function pack(
  source: Manifest,
  rawCases: readonly RawCase[],
  keep: (c: RawCase) => boolean,
  binName: string,
): { json: string; bin: Uint8Array } {
  const packer = new Packer();
  const move = (refs?: readonly TensorRef[]) => refs?.map((r) => ({ ...r, offset: packer.place(source.bytes(r)) }));
  const cases = rawCases
    .filter(keep)
    .map((c) => ({ ...c, ...(c.inputs && { inputs: move(c.inputs) }), ...(c.outputs && { outputs: move(c.outputs) }) }));
  const bin = packer.all();
  const header = JSON.stringify({ ...source.header, bin: binName, bin_bytes: bin.length }, null, 1);
  // One case a line: the file stays small, and a change shows as the lines of the cases it touches.
  const lines = cases.map((c) => JSON.stringify(c)).join(',\n');
  return { json: `${header.slice(0, -2)},\n "cases": [\n${lines}\n]}\n`, bin };
}

interface RawCase {
  readonly id: string;
  readonly kernel: string;
  readonly inputs?: readonly TensorRef[];
  readonly outputs?: readonly TensorRef[];
}

const option = { type: 'string', default: '' } as const;
const { positionals, values } = parseArgs({ allowPositionals: true, options: { kernel: option, id: option } });
const [from, to] = positionals;
if (!from || !to) {
  console.error('usage: pack.ts FROM.json TO.json [--kernel RE] [--id RE]');
  process.exit(2);
}
const binName = `${basename(to, '.json')}.bin`;
const raw = JSON.parse(readFileSync(from, 'utf8')) as { cases: RawCase[] };
const [kernel, id] = [values.kernel, values.id].map((source) => new RegExp(source));
const keep = (c: RawCase): boolean => kernel.test(c.kernel) && id.test(c.id);
const { json, bin } = pack(readManifest(from), raw.cases, keep, binName);
const packed = brotliCompressSync(bin, {
  params: {
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
  },
});
writeFileSync(to, json);
writeFileSync(join(dirname(to), `${binName}.br`), packed);
console.log(`${to}: ${raw.cases.length} cases read; ${bin.length} bytes of tensors, ${packed.length} compressed`);
