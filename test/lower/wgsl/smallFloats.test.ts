// f16, bf16 and fp8 on the device against a reference that knows only the formats: every code is decoded from its fields, and
// rounding is a search for the nearest code. All codes, and every place where rounding changes its mind.
import { describe, expect, it } from 'vitest';
import { decode, FORMATS } from '../../support/formats.ts';
import { evaluate } from '../../support/helperRun.ts';

const bits32 = (xs: readonly number[]) => new Uint32Array(Float32Array.from(xs).buffer);
const same = (a: number, b: number) => Object.is(a, b) || (a !== a && b !== b);

for (const [name, f] of Object.entries(FORMATS)) {
  const width = 1 + f.exponent + f.mantissa;
  const sign = 2 ** (width - 1);
  const codes = Array.from({ length: 2 * sign }, (_, i) => i);
  const decoded = codes.map((c) => (c & sign ? -1 : 1) * decode(f, c & (sign - 1)));
  const finite = codes.filter((c) => c < sign && Number.isFinite(decoded[c]));
  const last = finite.length - 1;

  describe(name, () => {
    /** Each number with the code that it rounds to: halfway between neighbours, and the f32 just below and above that. */
    const cases: [number, number][] = [];
    const cell = new DataView(new ArrayBuffer(4));
    const step = (x: number, by: number) => {
      cell.setFloat32(0, x);
      cell.setUint32(0, cell.getUint32(0) + by);
      return cell.getFloat32(0);
    };
    for (const c of finite) {
      if (decoded[c] >= 2 ** -126 || c === 0) cases.push([decoded[c], c]);
      const next = c === last ? 2 * decoded[c] - decoded[c - 1] : decoded[c + 1];
      const half = (decoded[c] + next) / 2;
      const up = c < last || !f.saturates ? c + 1 : c;
      if (half < 2 ** -126 || half > 3.4e38) continue;
      cases.push([half, c % 2 ? up : c], [step(half, -1), c], [step(half, 1), up]);
    }
    cases.push([Infinity, f.saturates ? last : last + 1]);
    const signed = [...cases, ...cases.map(([x, c]): [number, number] => [-x, c | sign])];
    const xs = signed.map(([x]) => x);

    it('rounds every tie and its neighbours to the nearest code', async () => {
      const got = new Float32Array((await evaluate(`${name}_round`, [bits32([...xs, NaN])], xs.length + 1)).buffer);
      const bad = signed.filter(([, c], i) => !same(got[i], decoded[c]));
      expect(bad.slice(0, 3)).toEqual([]);
      expect(got[xs.length]).toBeNaN();
    });
    if (name === 'bf16') return;

    it('rounds straight to memory bits', async () => {
      const got = await evaluate(`${name}_round_encode`, [bits32([...xs, NaN])], xs.length + 1);
      const bad = signed.flatMap(([x, c], i) => (got[i] === c ? [] : [[x, c, got[i]]]));
      expect(bad.slice(0, 3)).toEqual([]);
      expect(decoded[got[xs.length]]).toBeNaN();
    });
    it('decodes and encodes every code', async () => {
      const words = await evaluate(`${name}_decode`, [Uint32Array.from(codes)], codes.length);
      const got = new Float32Array(words.buffer);
      expect(codes.filter((c) => !same(got[c], decoded[c]))).toEqual([]);
      const back = await evaluate(`${name}_encode`, [words], codes.length);
      const isNan = (c: number) => c < codes.length && Number.isNaN(decoded[c]);
      expect(codes.filter((c) => back[c] !== c && !(isNan(c) && isNan(back[c]) && (back[c] & sign) === (c & sign)))).toEqual([]);
    });
    if (width === 8)
      it('decodes four codes of a word', async () => {
        const n = 256;
        const word = (i: number) => (i | (((i * 7) & 255) << 8) | (((i + 99) & 255) << 16) | (((255 - i) & 255) << 24)) >>> 0;
        const words = Uint32Array.from({ length: n }, (_, i) => word(i));
        const got = new Float32Array((await evaluate(`${name}_decode_word`, [words], n)).buffer);
        const want = [...new Uint8Array(words.buffer)].map((c) => decoded[c]);
        expect(want.flatMap((w, i) => (same(got[i], w) ? [] : [[i, w, got[i]]])).slice(0, 3)).toEqual([]);
      });
  });
}
