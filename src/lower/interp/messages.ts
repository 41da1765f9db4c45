// Messages of a running kernel on the interpreter (TL5xxx): memory, assertions, loops that do not end. One row a message.

import { message } from '../../dsl/diagnostics.ts';

const list = (xs: readonly (number | bigint)[]) => xs.join(', ');
const lanes = (n: number) => `${n} lane${n === 1 ? '' : 's'}`;

/** What is known of a bad memory access. */
export interface Access {
  readonly what: 'load' | 'store';
  readonly pid: readonly number[];
  readonly param: string;
  readonly dtype: string;
  readonly index: number;
  /** Elements that the argument's buffer holds before and after its first element. */
  readonly before: number;
  readonly length: number;
  /** Type of the pointer tile, coordinates of the first bad lane (empty for a scalar), how many lanes are bad and on. */
  readonly type: string;
  readonly lane: readonly number[];
  readonly bad: number;
  readonly on: number;
  readonly total: number;
  /** Smallest and largest index among the lanes that access memory. */
  readonly range: readonly [number, number];
  readonly masked: boolean;
}

export const RUN = {
  outOfBounds: message('TL5001', (a: Access) => ({
    text: `${a.what} ${a.what === 'load' ? 'reads' : 'writes'} ${a.param}[${a.index}], ${a.index < 0 ? 'before the start' : 'past the end'} of ${a.param} (${a.length} elements of ${a.dtype})`,
    notes: [
      `program id (${list(a.pid)})`,
      `pointer argument '${a.param}'${a.before > 0 ? `, a view that starts ${a.before} elements into its buffer` : ''}; this ${a.what} touches indices ${a.range[0]} to ${a.range[1]}`,
      a.lane.length === 0
        ? 'the pointer is a scalar'
        : `first bad lane [${list(a.lane)}] of ${a.type}; ${a.bad} of ${lanes(a.total)} out of bounds`,
      a.masked
        ? `the ${a.what} has a mask; it is true in the bad lane (${a.on} of ${lanes(a.total)} on)`
        : `the ${a.what} has no mask`,
    ],
    help: a.masked
      ? 'compare the mask with the size of this argument; it must be false where the index is out of bounds'
      : a.lane.length === 0
        ? `check the index, or guard the ${a.what}: { mask: i < n }`
        : 'add a mask: { mask: offs < n }',
  })),
  badPointer: message('TL5002', (what: string, pid: readonly number[]) => ({
    text: `${what} through an address that belongs to no pointer argument`,
    notes: [`program id (${list(pid)})`],
    help: 'build addresses only by adding element offsets to a pointer argument',
  })),
  assertFailed: message(
    'TL5003',
    (text: string, pid: readonly number[], lane: readonly number[], bad: number, total: number, masked: boolean) => ({
      text: `device_assert failed${text ? `: ${text}` : ''}`,
      notes: [
        `program id (${list(pid)})`,
        ...(lane.length
          ? [`first failing lane [${list(lane)}]; ${bad} of ${lanes(total)} fail${masked ? ' (where the mask is on)' : ''}`]
          : []),
      ],
      help: 'run `tessera debug` with a breakpoint on this line and print the tiles of the condition',
    }),
  ),
  stepBudget: message('TL5004', (steps: number, pid: readonly number[], loop: string, iteration: number) => ({
    text: `the program has run ${steps} steps and is still in this ${loop} loop`,
    notes: [`program id (${list(pid)})`, `iteration ${iteration}`],
    help: 'check that the condition becomes false; if the loop is meant to be that long, raise maxSteps',
  })),
  loopStep: message('TL5005', (step: number | bigint, pid: readonly number[]) => ({
    text: `the step of the loop is ${step} at run time; it must be positive`,
    notes: [`program id (${list(pid)})`, 'a step that is not known when the kernel is compiled counts up'],
    help: 'pass a positive step; to count down, use a negative constant',
  })),
  argument: message('TL5006', (name: string, what: string) => ({
    text: `argument '${name}': ${what}`,
    help: `pass a value for '${name}'`,
  })),
  assumeFailed: message('TL5007', (pid: readonly number[], lane: readonly number[]) => ({
    text: 'tl.assume is false: compiled code may do anything here',
    notes: [`program id (${list(pid)})`, ...(lane.length ? [`first lane where it is false: [${list(lane)}]`] : [])],
    help: 'remove the assumption, or make it true for these arguments',
  })),
  divisionByZero: message('TL5008', (op: string, pid: readonly number[], lane: readonly number[], bad: number) => ({
    text: `integer ${op} by zero`,
    notes: [`program id (${list(pid)})`, ...(lane.length ? [`first lane [${list(lane)}]; ${lanes(bad)} in all`] : [])],
    help: 'replace zero divisors first, e.g. tl.where(d === 0, 1, d)',
  })),
  addressOverflow: message(
    'TL5009',
    (op: string, dtype: string, a: number, b: number, pid: readonly number[], lane: readonly number[], bad: number) => ({
      text: `${op} of ${a} and ${b} overflows ${dtype} in the computation of an address`,
      notes: [`program id (${list(pid)})`, ...(lane.length ? [`first lane [${list(lane)}]; ${lanes(bad)} in all`] : [])],
      help: 'compute the offset in 64 bits, e.g. tl.cast(pid, tl.i64) * stride',
    }),
  ),
  gatherIndex: message('TL5011', (index: number | bigint, n: number, pid: readonly number[], lane: readonly number[]) => ({
    text: `tl.gather: index ${index} is outside 0..${n - 1}`,
    notes: [`in program (${pid.join(', ')}), element [${lane.join(', ')}] of the index`],
    help: 'clamp the index, or give lanes that do not matter an index of 0 with tl.where',
  })),
  inlineCpu: message('TL5011', () => ({
    text: 'inline WGSL without a meaning on the CPU cannot run on the interpreter',
    help: 'give it one: { dtype, cpu: (a, b) => … }, a function of plain numbers',
  })),
  unsupported: message('TL5010', (op: string) => ({
    text: `the interpreter does not run '${op}'`,
    help: 'hand it tile-level IR (what the tracer makes), not IR that a back end has lowered',
  })),
} as const;
