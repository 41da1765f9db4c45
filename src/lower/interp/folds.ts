// Reductions, scans and maps: loops over an axis around one combining step, which is the row that the op names, or the op's own
// region. Float sums (also running ones) are kept in double precision and rounded where they are stored, so that the result is
// the rounded sum whatever order a device adds in. Everything else is rounded at each step.

import type { Op, Value } from '../../dsl/ir/ir.ts';
import { round } from '../../dsl/numerics.ts';
import { hasTrait, rowOf } from '../../dsl/ops/index.ts';
import type { Num } from '../../dsl/ops/row.ts';
import { numel, type Type } from '../../dsl/types.ts';
import { codec } from './codecs.ts';
import { type ElementCode, elementCode } from './elementCode.ts';
import { specialise } from './jit.ts';
import { expressionOf } from './loops.ts';
import type { Exec, Machine } from './machine.ts';
import type { SlotOf } from './maker.ts';
import { computeDtype, type Store } from './values.ts';

/** How the loops run over an axis: `outer` × `len` × `inner` elements. */
interface Extent {
  readonly outer: number;
  readonly len: number;
  readonly inner: number;
}
function extent(op: Op): Extent {
  const { shape } = op.operands[0].type;
  const axis = Number(op.attrs.axis);
  return { outer: numel(shape.slice(0, axis)), len: shape[axis], inner: numel(shape.slice(axis + 1)) };
}
/** `out` results and `x` operands; the machine is there for program ids. */
type Loops = (out: readonly Store[], x: readonly Store[], captured: readonly Store[], m: Machine, e: Extent) => void;

/** One step: from a0… (what was combined so far) and b0… (the next element) the statements and the new a0…. */
interface Step extends ElementCode {
  /** The new values may go on as they are: they are in their dtype, or meant to stay doubles. */
  readonly rounded: boolean;
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const each = (n: number, f: (i: number) => string): string => range(n).map(f).join('');

/** The step of a row that combines with another row's op. */
function rowStep(op: Op, name: string): Step {
  const type: Type = { elem: op.operands[0].type.elem, shape: [] };
  const text = expressionOf(name, [type, type], type, {});
  const rest = { captured: new Map<Value, string>(), rounded: keepsDoubles(op), key: `${name} ${computeDtype(type).name}` };
  if (text !== undefined) return { ...rest, text: '', yields: [text.replace(/\b[ab]\b/g, '$&0')], env: {} };
  const d = computeDtype(type);
  const { eval: evaluate } = rowOf(name)!;
  const step = (a: Num, b: Num): Num => round(d, evaluate!([a, b], d, d, {}));
  return { ...rest, text: '', yields: ['step(a0,b0)'], env: { step } };
}
/** Values from outside, read once a call. */
const capture = (s: ElementCode): string => [...s.captured.values()].map((name, i) => `const ${name}=C[${i}][0];`).join('');

/** Sums of floats stay doubles between steps. */
const keepsDoubles = (op: Op): boolean => rowOf(op.name)!.combine === 'add' && computeDtype(op.operands[0].type).kind === 'float';

/** The best element and its index; NaN is worse than any number, and of equal elements the first counts. */
function bestLoop(op: Op): Loops {
  const d = computeDtype(op.operands[0].type);
  const sign = rowOf(op.name)!.combine === 'gt' ? '>' : '<';
  const better = d.kind === 'float' ? `b${sign}a||(a!==a&&b===b)` : `b${sign}a`;
  return specialise<Loops>(
    `best:${op.name}:${d.name}`,
    'O,X,C,m,e',
    `const{outer,len,inner}=e,V=O[0],I=O[1],x=X[0];
    for(let o=0;o<outer;o++)for(let i=0;i<inner;i++){
      const p=o*len*inner+i;let a=x[p],best=0;
      for(let k=1;k<len;k++){const b=x[p+k*inner];if(${better}){a=b;best=k;}}
      V[o*inner+i]=a;I[o*inner+i]=best;
    }`,
  );
}

/** Folds or scans with a step; a scan stores at each element, `reverse` from the last one on. */
function axisLoop(op: Op, s: Step): Loops {
  const n = op.operands.length;
  const scan = hasTrait(op.name, 'scan');
  const types = op.operands.map((o) => computeDtype(o.type));
  const rounds = types.map((d) => codec(d).round);
  const store = (at: string) => each(n, (i) => `O${i}[${at}]=${rounds[i] ? `r${i}(a${i})` : `a${i}`};`);
  // What is stored is rounded by its array; reading it back is the rounded value.
  const readBack = (at: string) => (s.rounded ? '' : each(n, (i) => `a${i}=O${i}[${at}];`));
  const step = `${s.text}${n === 1 ? `a0=${s.yields[0]};` : `${each(n, (i) => `const n${i}=${s.yields[i]};`)}${each(n, (i) => `a${i}=n${i};`)}`}`;
  const first = op.attrs.reverse ? 'p+(len-1)*inner' : 'p';
  const loop = op.attrs.reverse ? 'for(let k=len-2;k>=0;k--)' : 'for(let k=1;k<len;k++)';
  return specialise<Loops>(
    `axis:${op.name}:${!!op.attrs.reverse}:${types.map((d) => d.name).join()}:${s.key}:${s.text}:${s.yields.join()}`,
    'O,X,C,m,e',
    `const{outer,len,inner}=e;${each(n, (i) => `const O${i}=O[${i}],X${i}=X[${i}];`)}${capture(s)}
    for(let o=0;o<outer;o++)for(let i=0;i<inner;i++){
      const p=o*len*inner+i,q=o*inner+i;
      ${each(n, (i) => `let a${i}=X${i}[${first}];`)}
      ${scan ? store(first) : ''}
      ${loop}{const j=p+k*inner;${each(n, (i) => `const b${i}=X${i}[j];`)}${step}${scan ? store('j') + readBack('j') : ''}}
      ${scan ? '' : store('q')}
    }`,
    { ...s.env, ...Object.fromEntries(rounds.flatMap((r, i) => (r ? [[`r${i}`, r]] : []))) },
  );
}

/** Calls the region for each `pack` elements in a row. */
function mapLoop(op: Op, s: ElementCode, pack: number): Loops {
  const n = op.operands.length;
  const at = (name: string, j: number) => `${name}[i${j ? `+${j}` : ''}]`;
  const args = each(n, (k) => each(pack, (j) => `const x${k * pack + j}=${at(`X${k}`, j)};`));
  const out = each(op.results.length, (k) => each(pack, (j) => `${at(`O${k}`, j)}=${s.yields[k * pack + j]};`));
  const types = [...op.operands, ...op.results].map((v) => computeDtype(v.type).name).join();
  return specialise<Loops>(
    `map:${pack}:${types}:${s.key}:${s.text}:${s.yields.join()}`,
    'O,X,C,m,e',
    `${each(n, (k) => `const X${k}=X[${k}];`)}${each(op.results.length, (k) => `const O${k}=O[${k}];`)}${capture(s)}
    for(let i=0;i<X0.length;i+=${pack}){${args}${s.text}${out}}`,
    s.env,
  );
}

/** The closure of a reduction, scan or map. */
export function fold(op: Op, slot: SlotOf): Exec {
  const row = rowOf(op.name)!;
  const [region] = op.regions;
  let run: Loops;
  let captured: readonly Value[] = [];
  if (row.index) run = bestLoop(op);
  else if (!region) run = axisLoop(op, rowStep(op, row.combine!));
  else {
    const n = op.operands.length;
    const mapped = !hasTrait(op.name, 'reduction') && !hasTrait(op.name, 'scan');
    const names = mapped ? range(region.args.length).map((i) => `x${i}`) : ['a', 'b'].flatMap((x) => range(n).map((i) => x + i));
    const code = elementCode(region, names);
    captured = [...code.captured.keys()];
    run = mapped ? mapLoop(op, code, Number(op.attrs.pack ?? 1)) : axisLoop(op, { ...code, rounded: true });
  }
  const [outs, ins, caps] = [op.results, op.operands, captured].map((vs) => vs.map(slot));
  const e = hasTrait(op.name, 'reduction') || hasTrait(op.name, 'scan') ? extent(op) : { outer: 1, len: 1, inner: 1 };
  const [o, x, c]: Store[][] = [[], [], []];
  return (m) => {
    const { regs } = m;
    for (let i = 0; i < outs.length; i++) o[i] = regs[outs[i]];
    for (let i = 0; i < ins.length; i++) x[i] = regs[ins[i]];
    for (let i = 0; i < caps.length; i++) c[i] = regs[caps[i]];
    return void run(o, x, c, m, e);
  };
}
