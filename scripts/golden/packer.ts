// Tensors of a golden manifest in one new file: equal bytes stored once, 16-byte aligned, compressed with brotli.

import { writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';

const ALIGNMENT = 16;

/** Collects tensors; `place` returns where the bytes stand in the new file. */
export class Packer {
  private readonly chunks: Uint8Array[] = [];
  private readonly seen = new Map<string, number>();
  length = 0;

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

  /** Writes a manifest and its tensors. `lists` follow the header, an entry a line: a change shows as the lines of the cases it touches. */
  write(to: string, header: object, lists: { readonly [name: string]: readonly object[] }): void {
    const bin = `${basename(to, '.json')}.bin`;
    const head = JSON.stringify({ ...header, bin, bin_bytes: this.length }, null, 1).slice(0, -2);
    const tail = Object.entries(lists).map(([name, l]) => `,\n "${name}": [\n${l.map((x) => JSON.stringify(x)).join(',\n')}\n]`);
    const packed = brotliCompressSync(Buffer.concat(this.chunks), {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
        [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
      },
    });
    writeFileSync(to, `${head}${tail.join('')}}\n`);
    writeFileSync(join(dirname(to), `${bin}.br`), packed);
    console.log(`${to}: ${this.length} bytes of tensors, ${packed.length} compressed`);
  }
}
