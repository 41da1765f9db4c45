// What Triton's compiler refuses although it has a meaning here: asked for with `strict`, to tell whether a file would compile there.

import type { Expr, ExprOf, Stmt, StmtOf } from './ast.ts';
import { stop } from './errors.ts';
import type { Context } from './expressions.ts';
import { PORT } from './messages.ts';
import { FUNCTIONS, type Kind } from './names.ts';

const NUMBERS: readonly Kind[] = ['int', 'float'];
const SHAPED = new Set(['zeros', 'full', 'make_block_ptr', 'make_tensor_descriptor']);
/** Python's functions that kernels may not call. */
const NOT_IN_KERNELS = new Set(['abs', 'bool']);

/** Stops where Triton would, if that was asked for. */
export function strictly(c: Context, wrong: boolean, e: Expr | Stmt, what: string, help: string): void {
  if (c.strict && wrong) stop(e, PORT.strict, what, help);
}
const isTile = (c: Context, e: Expr): boolean => (c.types.of(e).rank ?? 0) > 0;
const runtime = (c: Context, e: Expr, kinds: readonly Kind[]): boolean => {
  const t = c.types.of(e);
  return !t.constant && kinds.includes(t.kind);
};

export function strictCompare(c: Context, e: ExprOf<'compare'>): void {
  strictly(c, e.ops.length > 1, e, 'chained comparisons', 'write `a < b and b < c`');
  strictly(
    c,
    e.ops.some((op) => op.endsWith('in')),
    e,
    '`in`',
    'write `a == b or a == c`',
  );
  const pointers = e.items.every((x) => c.types.of(x).kind === 'ptr');
  strictly(c, pointers, e, 'comparisons of pointers', 'compare the offsets');
}
export function strictUnary(c: Context, e: ExprOf<'unary'>): void {
  strictly(c, e.op === '+' && !c.types.of(e.x).constant, e, 'unary `+`', 'leave it out');
  strictly(c, e.op === 'not' && runtime(c, e.x, NUMBERS), e, '`not` of a number', 'compare it: `x == 0`');
}
/** The condition of `if` and of `a if c else b`: at compile time only bool, int and None are conditions. */
export function strictCondition(c: Context, e: Expr): void {
  const t = c.types.of(e);
  strictly(c, t.constant && t.kind === 'string', e, 'a string as a condition', 'compare it, e.g. `s != ""`');
  strictly(c, t.constant && t.kind === 'float', e, 'a float as a condition', 'compare it, e.g. `x != 0.0`');
  strictly(c, e.k === 'tuple', e, 'a tuple as a condition', 'compare its parts');
}
export function strictConditional(c: Context, e: ExprOf<'conditional'>): void {
  strictly(c, isTile(c, e.test), e.test, '`… if tile else …`', 'write tl.where(…)');
  strictCondition(c, e.test);
}
export function strictWhile(c: Context, s: StmtOf<'while'>): void {
  strictly(c, runtime(c, s.test, ['int', 'float', 'num']), s.test, '`while` on a number', 'compare it: `while x != 0:`');
}
export function strictFor(c: Context, s: StmtOf<'for'>): void {
  strictly(c, s.iter.k !== 'call', s.iter, 'a loop over a list', 'write `for i in tl.static_range(n):` and take element i');
}
export function strictAssign(c: Context, s: StmtOf<'assign'>): void {
  strictly(c, s.targets.length > 1, s, '`a = b = value`', 'write one assignment a line');
}
/** A global may be read only if it is a `tl.constexpr`. */
export function strictGlobal(c: Context, at: Expr, name: string): void {
  const value = c.names.constants.get(name);
  if (!value || c.names.library(value) !== null) return;
  const wrapped = value.k === 'call' && c.names.library(value.fn) === 'constexpr';
  strictly(c, !wrapped, at, `the global \`${name}\`, which is no constexpr`, `write \`${name} = tl.constexpr(…)\` in the module`);
}
export function strictFormat(c: Context, e: ExprOf<'format'>): void {
  const value = e.parts.find((p) => typeof p !== 'string' && !c.types.of(p).constant);
  strictly(
    c,
    value !== undefined,
    e,
    'an f-string with a value of the device',
    'pass the value to tl.device_print as an argument',
  );
}
/** A call of Python's own function. */
export function strictBuiltIn(c: Context, e: ExprOf<'call'>, name: string): void {
  const [first] = e.args;
  strictly(
    c,
    NOT_IN_KERNELS.has(name),
    e,
    `Python's \`${name}\``,
    name === 'abs' ? 'write tl.abs(x)' : 'compare, or cast with x.to(tl.int1)',
  );
  const converts = (name === 'float' || name === 'int') && first && !c.types.of(first.value).constant;
  strictly(c, !!converts, e, `\`${name}(…)\` of a value of the device`, `write x.to(tl.${name}32)`);
  strictly(
    c,
    name === 'print' && !!first && c.types.of(first.value).kind !== 'string',
    e,
    '`print` without a text in front',
    'write print("x", x)',
  );
}
/** A call of one of Triton's functions, by its name there. `given` are its arguments by their names. */
export function strictCall(c: Context, e: ExprOf<'call'>, name: string, given: ReadonlyMap<string, Expr>): void {
  const row = FUNCTIONS.get(name);
  const missing = row?.required.find((p) => !given.has(p));
  strictly(c, missing !== undefined, e, `tl.${name} without \`${missing}\``, `pass ${missing}`);
  const path = c.names.path(e.fn);
  const wrongModule = row?.libdevice && path !== null && !path.includes('libdevice');
  strictly(c, !!wrongModule, e, `\`${path}\``, `it is libdevice's: libdevice.${name}(…)`);
  const indices = (name === 'max' || name === 'min') && given.has('return_indices') && !given.has('axis');
  strictly(c, indices, e, `tl.${name} with return_indices and without axis`, 'pass axis');
  for (const [p, value] of given) {
    strictly(c, p === 'propagate_nan' && value.k === 'string', value, 'propagate_nan as a string', 'write tl.PropagateNan.ALL');
    const one = SHAPED.has(name) && /^(?:shape|strides|offsets|block_shape|order)$/.test(p) && c.types.of(value).kind === 'int';
    strictly(c, one, value, `${p} as one number`, `write a tuple: ${p}=(n,)`);
    const library = p === 'combine_fn' && FUNCTIONS.has(c.names.library(value) ?? '');
    strictly(c, library, value, 'a function of tl as combine_fn', 'write a `@triton.jit` function of two values');
  }
}
export function strictPrint(c: Context, e: ExprOf<'call'>): void {
  const prefix = e.args[0]?.value;
  strictly(
    c,
    prefix?.k === 'string' && [...prefix.value].some((ch) => ch > '~'),
    e,
    'a text with other characters than ASCII',
    'write it in ASCII',
  );
}
