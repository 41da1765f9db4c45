// The first lines of an entry point: which program this is. Ids are decoded from the flat index of the workgroup, or of its slice where
// several programs share one, along the axes in the order that the compiler chose. No IR.

import type { AxisOrder } from '../passes/programOrder.ts';

export interface Programs {
  /** Axes, the one first in which neighbouring programs differ. */
  readonly order: AxisOrder;
  /** Axes whose programs run from the last to the first. */
  readonly backwards: readonly number[];
  /** Programs a workgroup, and invocations a program. */
  readonly programs: number;
  readonly size: number;
  /** Slices past the last program stay until the end, because of a barrier: `live_program` is false there. */
  readonly meets: boolean;
  /** The invocation's number in the workgroup. */
  readonly local: string;
}

export function programLines(
  { order, backwards, programs, size, meets, local }: Programs,
  uses: (word: string) => boolean,
): string[] {
  const group = 'wg.x + wg.y * nwg.x + wg.z * nwg.x * nwg.y';
  const out = ['let programs = u32(u.grid0) * u32(u.grid1) * u32(u.grid2);'];
  if (programs === 1) out.push(`let program = ${group};`);
  else out.push(`let program = (${group}) * ${programs}u + (${local} >> ${Math.log2(size)}u);`);
  if (!meets) out.push('if (program >= programs) { return; }');
  // One division an axis at most, none for an axis that no one asks for at the end.
  let rest = meets ? 'min(program, programs - 1u)' : 'program';
  const asked = order.map((axis) => uses(`pid${axis}`));
  for (const [k, axis] of order.entries()) {
    if (!asked.slice(k).some(Boolean)) break;
    const grid = `u32(u.grid${axis})`;
    const turned = backwards.includes(axis) ? `u.grid${axis} - 1 - ` : '';
    if (k === 2) {
      out.push(`let pid${axis} = ${turned}i32(${rest});`);
      break;
    }
    const above = asked.slice(k + 1).some(Boolean);
    if (above) out.push(`let slice${k} = (${rest}) / ${grid};`);
    if (asked[k])
      out.push(`let pid${axis} = ${turned}i32(${above ? `(${rest}) - slice${k} * ${grid}` : `(${rest}) % ${grid}`});`);
    rest = `slice${k}`;
  }
  return out;
}
