// Several hundred wrong kernels, and some that only look wrong, against what the front end of Triton says of them: refused here too, at the
// same statement; or accepted, but for a few that are listed with the reason.

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runReject } from '../../scripts/golden/ops.ts';
import type { OpsReject } from '../../scripts/golden/opsManifest.ts';
import type { Device } from '../../src/index.ts';
import { openKind } from '../support/devices.ts';

interface FrontEndCase extends OpsReject {
  /** Where Triton's innermost error points, if that is in a helper. */
  readonly inner?: readonly [number, number];
}
interface FrontEnd {
  readonly rejects: readonly FrontEndCase[];
  readonly accepts: readonly OpsReject[];
}
const { rejects, accepts } = JSON.parse(readFileSync(new URL('../golden/front_end.json', import.meta.url), 'utf8')) as FrontEnd;

/** Refused at another line than Triton's, which is no better. */
const ELSEWHERE: { readonly [id: string]: string } = {
  helper_return_types: 'at the `if` whose branches return two types; Triton points at the second return',
  helper_vararg: 'at the parameter; Triton points at the call',
};
/** Accepted here. */
const ACCEPTED: { readonly [id: string]: string } = {
  loop_constexpr: 'a constexpr parameter that a loop changes is a variable from then on',
};
/** Refused although Triton's front end takes them: docs/language.md, docs/porting-from-triton.md. */
const REFUSED: { readonly [id: string]: string } = {
  zeros_zero_dim: 'a tile without elements',
  cast_e4b15: 'a dtype that this language has not',
  topk_npot: 'k must be a power of two; Triton computes something else',
  topk_big: 'k must not be larger than the tile; Triton computes something else',
  atomic_and_f32: 'bits of a float',
  bp_advance_count: 'Triton’s later passes fail',
  rand_float_offs: 'random numbers of float offsets',
  philox_float: 'random numbers of float counters',
  device_assert_float: 'a float as a condition',
  star_args_call: '*args',
  is_tile: '`is` between values',
  is_number: '`is` between values',
  if_ptr: 'WebGPU has no null pointers',
  loop_var_after: 'the loop variable behind its loop',
  helper_return_one_branch: 'a function that returns a value on some ways only',
  return_value_kernel: 'a kernel that returns a value',
  libdevice_mixed: 'pow of a float and an integer',
};

describe('the front end of Triton', () => {
  let device: Device;
  beforeAll(async () => {
    device = await openKind('interp');
  });
  afterAll(() => device.destroy());

  it.each(rejects.map((r) => [r.id, r] as const))('refuses %s', (id, r) => {
    const { diagnostic, at, line } = runReject(device, { ...r, lines: undefined });
    if (ACCEPTED[id]) {
      expect(line).toMatch(/is accepted/);
      return;
    }
    expect(diagnostic, line).toBeDefined();
    const places = [r.lines!, ...(r.inner ? [r.inner] : [])];
    const found = places.some(([first, last]) => at >= first && at <= last);
    expect(`${at} ${found}`, `${diagnostic?.text} (Triton: ${r.errors?.[0]})`).toBe(`${at} ${!ELSEWHERE[id]}`);
    // Something to do, and nothing of JavaScript's own about values that are none.
    expect(diagnostic?.help).toBeTruthy();
    expect(`${diagnostic?.text} ${diagnostic?.help}`).not.toMatch(/\[object|NaN|\bFloatLit\b/);
  });
  it.each(accepts.map((r) => [r.id, r] as const))('takes %s', (id, r) => {
    const { line } = runReject(device, r);
    expect(/is accepted/.test(line), line).toBe(!REFUSED[id]);
  });
  it('is told of every difference', () => {
    const [no, yes] = [rejects, accepts].map((list) => new Set(list.map((r) => r.id)));
    expect([...Object.keys(ELSEWHERE), ...Object.keys(ACCEPTED)].filter((id) => !no.has(id))).toEqual([]);
    expect(Object.keys(REFUSED).filter((id) => !yes.has(id))).toEqual([]);
  });
});
