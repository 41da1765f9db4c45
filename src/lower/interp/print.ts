// Lines of device_print, in Triton's style; the same on every device. Numbers and text in, text out.

import { toBits } from '../../dsl/numerics.ts';
import type { Num } from '../../dsl/ops/row.ts';
import type { DType } from '../../dsl/types.ts';

/** A value as device_print writes it: integers in full, floats as C's `%f`; the bits of either with `hex`. */
export function printNum(d: DType, x: Num, hex = false): string {
  if (hex)
    return `0x${toBits(d, x)
      .toString(16)
      .padStart(Math.ceil(d.bits / 4), '0')}`;
  if (typeof x === 'bigint' || d.kind !== 'float') return String(x);
  if (x !== x) return 'nan';
  if (x === Infinity || x === -Infinity) return x > 0 ? 'inf' : '-inf';
  return Object.is(x, -0) ? '-0.000000' : x.toFixed(6);
}

/**
 * One line: `pid (0, 0, 0) idx (3) x: 1.500000`. `operand` is given where several values are printed by one call.
 */
export function printLine(
  pid: readonly number[],
  index: readonly number[],
  prefix: string,
  value: string,
  operand?: number,
): string {
  const label = prefix.trim().replace(/:$/, '');
  const which = operand === undefined ? '' : `(operand ${operand}) `;
  return `pid (${pid.join(', ')}) idx (${index.join(', ')}) ${label ? `${label}: ` : ''}${which}${value}`;
}
