// Messages of the language itself (TL1xxx): types, shapes, promotion, control flow at trace time. One row a message.

import { BLOCK_MESSAGES } from './blockMessages.ts';
import { message } from './diagnostics.ts';
import type { DType, Type } from './types.ts';
import { isPtr, printType } from './types.ts';

const shape = (s: readonly number[]) => `[${s.join(', ')}]`;

/** The name that the front end gives to what a function returns. */
const isResult = (name: string): boolean => name.startsWith('$ret');
const shown = (name: string): string => (isResult(name) ? 'what is returned' : `'${name}'`);

const width = (d: DType): string => (d.bits === 1 ? '1 bit' : `${d.bits} bits`);

export const TL = {
  broadcast: message('TL1001', (what: string, a: Type, b: Type, dim: number) => ({
    text: `cannot broadcast ${printType(a)} with ${printType(b)} in ${what}`,
    notes: [
      `dimension ${dim} is ${a.shape[dim - (Math.max(a.shape.length, b.shape.length) - a.shape.length)]} on one side and ${b.shape[dim - (Math.max(a.shape.length, b.shape.length) - b.shape.length)]} on the other; they must be equal, or one of them 1`,
      'Triton refuses this too: incompatible dimensions',
    ],
    help: 'give one side a dimension of 1 with tl.col(x) (x[:, None]) or tl.row(x) (x[None, :])',
  })),
  broadcastTo: message('TL1002', (a: Type, to: readonly number[]) => ({
    text: `cannot broadcast ${printType(a)} to shape ${shape(to)}`,
    notes: [
      a.shape.length === to.length ? 'only dimensions of 1 can grow' : `the ranks differ: ${a.shape.length} and ${to.length}`,
    ],
    help: 'reshape or tl.expand_dims the tile first, so that both ranks are equal and only dimensions of 1 change',
  })),
  types: message('TL1003', (what: string, a: Type, b: Type, why?: string) => ({
    text: `${what} does not take ${printType(a)} and ${printType(b)}`,
    notes: why ? [why] : [],
    help: !(isPtr(a) || isPtr(b))
      ? 'cast one side with tl.cast(x, dtype) so that both mean the same'
      : isPtr(a) && isPtr(b)
        ? 'load from both and choose among the values'
        : 'load the value with tl.load(p) first; an offset must be an integer, e.g. tl.cast(x, tl.i32)',
  })),
  signedness: message('TL1004', (what: string, a: DType, b: DType) => ({
    text: `${what} of ${a} and ${b}: one is signed and the other is not`,
    notes: ['the result is unlikely to be a useful answer; Triton refuses it for the same reason'],
    help: `cast both to the same signedness, e.g. tl.cast(x, tl.${a})`,
  })),
  negativeScalar: message('TL1005', (what: string, value: number | bigint, d: DType) => ({
    text: `${what}: the negative number ${value} does not fit ${d}`,
    notes: [`the other operand is unsigned (${d}), and a number takes the dtype of the tile it meets`],
    help: 'cast the tile to a signed dtype first, e.g. tl.cast(x, tl.i32)',
  })),
  scalarRange: message('TL1006', (what: string, value: number | bigint, d: DType) => ({
    text: `${what}: ${value} is out of range for ${d}`,
    notes: ['a number takes the dtype of the tile it meets'],
    help: `cast the tile to a wider dtype first, or use a number within ${d}`,
  })),
  unary: message('TL1007', (what: string, a: Type, expected: string) => ({
    text: `${what} does not take ${printType(a)}`,
    notes: [`expected: ${expected}`],
    help: 'cast the operand with tl.cast(x, dtype)',
  })),
  operands: message('TL1008', (op: string, found: readonly Type[], expected: string) => ({
    text: `${op} does not take (${found.map(printType).join(', ')})`,
    notes: [`expected: ${expected}`],
    help: 'make the operands fit, e.g. with tl.cast, tl.broadcast_to or tl.expand_dims',
  })),
  pointerExpected: message('TL1010', (what: string, a: Type) => ({
    text: `${what} needs a pointer, but its first argument is ${printType(a)}`,
    help: 'pass a pointer parameter, or pointer + offsets (e.g. x + tl.arange(0, BLOCK))',
  })),
  otherWithoutMask: message('TL1011', () => ({
    text: 'tl.load got `other` without `mask`',
    notes: ['`other` is the value of lanes that the mask turns off'],
    help: 'pass { mask, other } or leave `other` out',
  })),
  maskNotBool: message('TL1012', (what: string, a: Type) => ({
    text: `the mask of ${what} is ${printType(a)}, not bool`,
    help: 'compare, e.g. offs < n, or cast with tl.cast(m, tl.bool)',
  })),
  tileThroughScalarPointer: message('TL1013', (what: string, role: string, a: Type) => ({
    text: `${what} through a scalar pointer, but its ${role} is ${printType(a)}`,
    notes: ['one pointer addresses one element'],
    help: 'add offsets to the pointer, e.g. p + tl.arange(0, BLOCK)',
  })),
  storeShape: message('TL1014', (ptr: Type, value: Type) => ({
    text: `tl.store: the value ${printType(value)} does not fit the pointers ${printType(ptr)}`,
    notes: ['the pointer must have the shape of what is stored; a store never broadcasts its pointers'],
    help: 'build the pointers with the shape of the value, e.g. p + tl.col(rows) * stride + tl.row(cols)',
  })),
  pointerElement: message('TL1015', (what: string, a: Type) => ({
    text: `${what} does not take a pointer (${printType(a)})`,
    notes: ['a pointer can only be added to an integer, compared, loaded from or stored to'],
    help: 'load the value first with tl.load(p)',
  })),
  shapeNotConstexpr: message('TL1020', (what: string, found: string) => ({
    text: `${what} must be known when the kernel is compiled, but it is ${found}`,
    notes: ['shapes, axes and ranges of tl.arange are part of the compiled code'],
    help: 'declare the parameter as tl.constexpr, or use a number',
  })),
  notPowerOfTwo: message('TL1021', (what: string, n: number) => ({
    text: `${what}: ${n} is not a power of two`,
    notes: ['every dimension of a tile is a power of two, as in Triton'],
    help: `use ${2 ** Math.ceil(Math.log2(Math.max(1, n)))} and mask off what is too much`,
  })),
  arangeRange: message('TL1022', (start: number, end: number) => ({
    text: `tl.arange(${start}, ${end}) is empty or not an integer range`,
    help: 'the end must be greater than the start, and both must be integers',
  })),
  axisRange: message('TL1023', (what: string, axis: number, rank: number) => ({
    text: `${what}: axis ${axis} does not exist; the tile has ${rank} dimension${rank === 1 ? '' : 's'}`,
    help:
      rank > 1
        ? `use an axis from 0 to ${rank - 1} (or negative, from the end)`
        : rank === 1
          ? 'use axis 0 (or -1)'
          : 'the operand is a scalar; it has no axes',
  })),
  programAxis: message('TL1023', (what: string, axis: number) => ({
    text: `${what}: axis ${axis} does not exist; a grid has 3`,
    help: 'use 0, 1 or 2',
  })),
  reshape: message('TL1024', (a: Type, to: readonly number[]) => ({
    text: `cannot reshape ${printType(a)} to ${shape(to)}: the number of elements differs`,
    notes: [`${a.shape.reduce((x, y) => x * y, 1)} elements on one side, ${to.reduce((x, y) => x * y, 1)} on the other`],
    help: 'the product of the new dimensions must be the number of elements',
  })),
  permutation: message('TL1025', (what: string, a: Type, perm: readonly number[]) => ({
    text: `${what}: ${shape(perm)} is not an order of the ${a.shape.length} dimensions of ${printType(a)}`,
    help: 'name every dimension once, e.g. [1, 0]',
  })),
  tooLarge: message('TL1026', (n: number, max: number) => ({
    text: `a tile of ${n} elements is larger than the ${max} that a tile may have`,
    help: 'use a smaller block and more programs, or loop over the block',
  })),
  axisTwice: message('TL1027', (what: string, axis: number) => ({
    text: `${what}: axis ${axis} is given twice`,
    notes: ['axes are places in the result; negative ones count from its end'],
    help: 'name every new axis once',
  })),
  catOrder: message('TL1028', () => ({
    text: 'tl.cat without { can_reorder: true }',
    notes: ['Triton joins tiles only where their order may change, and so refuses this too'],
    help: 'write tl.cat(a, b, { can_reorder: true }); where the order counts, use tl.join or tl.interleave',
  })),
  splitLast: message('TL1029', (a: Type) => ({
    text: `tl.split takes a tile whose last dimension is 2, but got ${printType(a)}`,
    help:
      a.shape.length && a.shape.some((n) => n % 2 === 0)
        ? 'bring the halves into a last dimension of 2 first, with tl.reshape and tl.permute'
        : 'a tile of at least two elements is needed',
  })),
  gatherShape: message('TL1034', (src: Type, index: Type, axis: number) => ({
    text: `tl.gather: the index ${printType(index)} does not fit ${printType(src)} along axis ${axis}`,
    notes: [
      src.shape.length === index.shape.length
        ? `only dimension ${axis} may differ`
        : `the ranks differ: ${src.shape.length} and ${index.shape.length}`,
    ],
    help: 'give the index the shape of the source in all other dimensions, e.g. with tl.broadcast_to',
  })),
  lastDimOnly: message('TL1035', (fn: string, dim: number, a: Type) => ({
    text: `tl.${fn} works along the last dimension only, but dim is ${dim} and the tile is ${printType(a)}`,
    help:
      a.shape.length > 1
        ? `leave dim out, or bring the dimension to the end first with tl.permute (the last one is ${a.shape.length - 1})`
        : `leave dim out (or pass ${a.shape.length - 1})`,
  })),
  topk: message('TL1036', (k: number, a: Type) => ({
    text: `tl.topk: ${k} elements cannot be taken from the ${a.shape.at(-1)} of ${printType(a)}`,
    help: `k is a power of two from 1 to ${a.shape.at(-1)}`,
  })),
  rank: message('TL1037', (what: string, a: Type, expected: string) => ({
    text: `${what} takes ${expected}, but got ${printType(a)}`,
    help: 'change the shape first with tl.reshape or tl.ravel',
  })),
  dotShape: message('TL1030', (a: Type, b: Type) => ({
    text: `tl.dot: ${printType(a)} times ${printType(b)}: the inner dimensions differ`,
    notes: [
      `the second dimension of the left side is ${a.shape.at(-1)}, the first of the right side is ${b.shape.at(-2)}; they must be equal`,
    ],
    help: 'transpose one side with tl.trans(x), or load it the other way round',
  })),
  dotRank: message('TL1031', (a: Type, b: Type, fn = 'tl.dot') => ({
    text: `${fn} takes two 2-D tiles, or two batches of them, but got ${printType(a)} and ${printType(b)}`,
    notes: ['dimensions before the last two are the batch; they must be the same on both sides'],
    help: 'use tl.sum(tl.col(a) * tl.row(b), …) for vectors, or tl.reshape to two dimensions',
  })),
  dotDtype: message('TL1032', (a: Type, b: Type, expected: string) => ({
    text: `tl.dot does not take ${printType(a)} and ${printType(b)}`,
    notes: [`expected: ${expected}`],
    help: a.elem === b.elem ? 'cast both, e.g. to tl.f16 or tl.f32' : 'cast one side, e.g. tl.cast(p, tl.dtype_of(v))',
  })),
  dotAcc: message('TL1033', (acc: Type, want: Type, fn = 'tl.dot') => ({
    text: `${fn}: the accumulator is ${printType(acc)}, but the product is ${printType(want)}`,
    help: `make the accumulator with tl.zeros([${want.shape.join(', ')}], tl.${want.elem})`,
  })),
  dotSmall: message('TL1034', (a: Type, b: Type, least: number, fn = 'tl.dot') => ({
    text: `${fn}: ${printType(a)} times ${printType(b)}: the inner dimension is ${a.shape.at(-1)}, but at least ${least} is needed`,
    notes: [`Triton refuses this too: matrix units take K >= ${least} of this dtype`],
    help: `load ${least} along K and mask off what is too much with 0, or use tl.sum(tl.col(a) * tl.row(b), …)`,
  })),
  dotScaledDtype: message('TL1038', (side: string, found: Type, format: string, dtypes: readonly DType[]) => ({
    text: `tl.dot_scaled: ${side} is ${printType(found)}, which does not hold the format '${format}'`,
    notes: [`expected: a tile of ${dtypes.join(' or ')}${format === 'e2m1' ? ', two elements a byte' : ''}`],
    help: `load it as ${dtypes[dtypes.length - 1]}, or change ${side}_format`,
  })),
  dotScaledScale: message('TL1039', (side: string, found: Type, shape: readonly number[], group: number) => ({
    text: `tl.dot_scaled: ${side}_scale is ${printType(found)}, but the scales of ${side} are [${shape.join(', ')}]`,
    notes: [
      `one scale for ${group} elements along K, of u8 (e8m0); fp8e4nv has one for 16`,
      'K is the last dimension of the scales on both sides: those of rhs are not transposed',
    ],
    help: `load a tile of shape [${shape.join(', ')}], or pass null for no scales`,
  })),
  dotScaledK: message('TL1049', (a: Type, b: Type, ka: number, kb: number) => ({
    text: `tl.dot_scaled: ${printType(a)} times ${printType(b)}: K is ${ka} on the left side and ${kb} on the right`,
    notes: ["a tile of 'e2m1' has two elements a byte along K, or along M and N with lhs_k_pack and rhs_k_pack false"],
    help: 'load as many elements along K on both sides',
  })),
  carriedType: message('TL1040', (name: string, before: Type, after: Type, where: string) => ({
    text: `'${name}' is ${printType(before)} before the ${where} and ${printType(after)} after it`,
    notes: [`a variable keeps its type through a ${where} that runs on the device, as in Triton`],
    help:
      isPtr(before) || isPtr(after)
        ? 'use a variable of its own for each pointer, and load inside the loop'
        : before.shape.length === 0 && after.shape.length === 0 && String(after.elem) === 'f32'
          ? `write the first value with a point, e.g. let ${name} = 0.0: a number without one is an integer`
          : `cast so that both are equal, e.g. ${name} = tl.cast(…, tl.${before.elem}), or give it the right type at its declaration`,
  })),
  branchType: message('TL1041', (name: string, a: string, b: string) => ({
    text: `${shown(name)} is ${a} in one branch of the if and ${b} in the other`,
    notes: ['the condition is known only on the device, so both branches must leave the same type behind'],
    help: `give ${shown(name)} the same type in both branches, or make the condition a constexpr`,
  })),
  branchValue: message('TL1041', (a: string, b: string) => ({
    text: `?: gives ${a} on one side and ${b} on the other`,
    notes: ['the condition is known only on the device, so both sides must have one type'],
    help: 'cast one side with tl.cast(x, dtype), or make the condition a constexpr',
  })),
  carriedJs: message('TL1042', (name: string, before: string, after: string, where: string) => ({
    text: `'${name}' is ${before} before the ${where} and ${after} after it`,
    notes: [`the ${where} runs on the device, which can carry tiles, scalars and pointers, but not this`],
    help: `initialise '${name}' with a tile or a number before the ${where}`,
  })),
  carriedStructure: message('TL1048', (name: string, before: string, after: string, where: string) => ({
    text: `'${name}' is ${before} before the ${where} and ${after} after it`,
    notes: [`the ${where} runs on the device: a variable keeps what it is made of, part by part`],
    help: `give '${name}' the same parts in the same order before the ${where} and at its end`,
  })),
  poison: message('TL1043', (name: string, why: string) => ({
    text: `${shown(name)} may have no value here`,
    notes: [why],
    help: isResult(name) ? 'return a value on every way' : `initialise '${name}' where it is declared`,
  })),
  conditionTile: message('TL1044', (what: string, a: Type) => ({
    text: `the condition of ${what} is ${printType(a)}; it must be a single bool`,
    notes: ['one program takes one way; elements are chosen with tl.where'],
    help: 'use tl.where(cond, a, b), or reduce the condition with tl.max / tl.sum first',
  })),
  loopBound: message('TL1045', (what: string, found: string) => ({
    text: `the ${what} of the loop is ${found}; it must be an integer`,
    help: 'use an i32 or i64 scalar, or a number',
  })),
  loopStep: message('TL1046', () => ({
    text: 'the step of the loop is 0: it would never end',
    help: 'use a positive step (or a negative constant with a falling bound)',
  })),
  loopStepSign: message('TL1047', () => ({
    text: 'a loop that counts down needs a step that is a negative number known when the kernel is compiled',
    help: 'write i -= 1 or another constant, or count up and compute the falling index in the body',
  })),
  noPart: message('TL1114', (found: string, part: string, help: string) => ({
    text: `${found} has no ${part}`,
    notes: ['tiles, scalars and pointers are values of the device; JavaScript cannot look inside'],
    help,
  })),
  takenApart: message('TL1115', (found: string, wanted: number, has: number | null) => ({
    text:
      has === null
        ? `${found} cannot be taken apart into ${wanted} value${wanted === 1 ? '' : 's'}`
        : `${wanted} values are taken from ${found}, which has ${has}`,
    notes: has === null ? ['only functions that give several values, and arrays, can be taken apart'] : [],
    help:
      has === null
        ? 'assign it to one name; for the halves of a tile use tl.split'
        : has === 0
          ? 'check what the function returns'
          : `name ${has} value${has === 1 ? '' : 's'} on the left side`,
  })),
  plainOperand: message('TL1116', (op: string, found: string, unset: boolean) => ({
    text: unset ? `one side of ${op} has no value here` : `operator ${op} cannot use ${found}`,
    notes: [
      unset
        ? 'it is undefined: not assigned yet, or the result of a function that returns nothing'
        : 'expected: a tile, a scalar or a number',
    ],
    help: unset ? 'give it a value before this line' : 'name the parts of a list one by one, e.g. t[0]',
  })),
  fnArguments: message('TL1117', (name: string, found: string, params: readonly string[]) => ({
    text: `${name} ${found}`,
    notes: [params.length ? `its parameters: ${params.join(', ')}` : 'it has no parameters'],
    help: 'pass one value for each parameter, in their order',
  })),
  elementArity: message('TL1118', (name: string, found: number, want: number) => ({
    text: `the function of tl.${name} takes ${found} value${found === 1 ? '' : 's'}, but is called with ${want}`,
    notes: [
      name === 'map_elementwise'
        ? 'it gets one element of each tile (as many as `pack` says)'
        : 'it combines two elements of each tile: first the left ones, then the right ones',
    ],
    help: `write a function of ${want} parameters`,
  })),
  notBoolean: message('TL1119', (what: string, found: string) => ({
    text: `${what} is ${found}, not true or false`,
    help: 'compare, e.g. BLOCK === 16 or BLOCK > 0',
  })),
  scalarExpected: message('TL1120', (what: string, a: Type) => ({
    text: `${what} must be one value, but it is ${printType(a)}`,
    help: 'pass a number or a scalar; tiles grow with tl.broadcast_to(x, shape)',
  })),
  hintCount: message('TL1121', (what: string, found: number, a: Type, want: number) => ({
    text: want
      ? `${what}: ${found} number${found === 1 ? '' : 's'} for ${printType(a)}, which needs ${want}`
      : `${what} does not take ${printType(a)}`,
    notes: [want ? 'there is one number for each dimension; a scalar counts as one' : 'only a tile has runs of values'],
    help: want ? `pass ${want === 1 ? 'one number' : `a list of ${want} numbers`}` : 'leave the hint out, or use tl.multiple_of',
  })),
  imprecise: message('TL1122', (found: number, k: number) => ({
    text: `tl.dot: max_num_imprecise_acc is ${found}, but K is ${k}`,
    notes: ['no more products than K can be added before the sum is made precise'],
    help: `leave it out, or pass at most ${k}`,
  })),
  notValue: message('TL1050', (what: string, found: string) => ({
    text: found === 'undefined' ? `${what} lacks a value: an argument is missing or undefined` : `${what} cannot use ${found}`,
    notes: ['expected: a tile, a scalar, a pointer, a number or a boolean'],
    help:
      found === 'undefined'
        ? 'pass all arguments that it needs; a variable must be set before it is used'
        : 'check the argument; values from outside the kernel must be numbers, booleans or dtypes',
  })),
  noFunction: message('TL1123', (name: string) => ({
    text: `there is no function ${name} here`,
    notes: ['functions of tl have the names that Triton gives them'],
    help: 'check its spelling, or write it with other functions in a tl.fn',
  })),
  notFunction: message('TL1124', (found: string) => ({
    text: `${found} is called like a function, but it is a value`,
    help: 'call functions of tl, of tl.fn, or of the kernel; elements of a tile cannot be taken by place',
  })),
  argumentMissing: message('TL1125', (what: string) => ({
    text: `${what} is missing`,
    notes: ['it has no default'],
    help: 'pass a number, or a tl.constexpr parameter',
  })),
  notDtype: message('TL1051', (what: string, found: string) => ({
    text: `${what} needs a dtype, but got ${found}`,
    help: 'pass e.g. tl.f32, tl.f16 or tl.i32, or the dtype of a tile: tl.dtype_of(x)',
  })),
  tileAsJs: message('TL1052', (name: string) => ({
    text: `${name} is used as an ordinary JavaScript value`,
    notes: ['only code inside kernel(…) and tl.fn(…) is compiled; this operation ran outside of it'],
    help: 'use functions of tl (tl.exp for Math.exp), wrap a helper of your own in tl.fn(function …), or move the computation into the kernel',
  })),
  hostMath: message('TL1132', (name: string, found: string, instead: string) => ({
    text: `Math.${name} cannot use ${found}`,
    notes: ['functions of Math compute with numbers, once, when the kernel is compiled'],
    help: `write ${instead}`,
  })),
  outsideKernel: message('TL1053', (name: string) => ({
    text: `tl.${name} was called outside a kernel`,
    notes: ['functions of tl build code; they work only while a kernel is being compiled'],
    help: 'call it inside kernel(function …) or tl.fn(function …)',
  })),
  untransformed: message('TL1054', (name: string) => ({
    text: `kernel ${name} has not been compiled by the Tessera front end`,
    notes: ['a kernel is plain TypeScript that the front end rewrites when the file is loaded or bundled'],
    help: 'run with `node --import tessera/register file.ts` or `tessera run file.ts`, or add the plugin: import tessera from "tessera/plugin"; plugins: [tessera.vite()]',
  })),
  staticAssert: message('TL1055', (text: string) => ({
    text: `static_assert failed${text ? `: ${text}` : ''}`,
    help: 'the condition is false for these constexpr values; change them or the condition',
  })),
  staticValue: message('TL1056', (what: string, found: string) => ({
    text: `${what} must be known when the kernel is compiled, but it is ${found}`,
    help: 'use constexpr parameters and numbers only; for a check on the device use tl.device_assert',
  })),
  badOperator: message('TL1057', (op: string, a: string, b: string, why: string) => ({
    text: `operator ${op} cannot combine ${a} and ${b}`,
    notes: [why],
    help: op === '**' ? 'write x * x, or tl.exp(tl.log(x) * p)' : 'check the operands',
  })),
  negativeShift: message('TL1058', (by: number | bigint, bits: number) => ({
    text: `shift by ${by} is outside 0..${bits - 1}`,
    help: `shift by at least 0 and less than ${bits}`,
  })),
  recursion: message('TL1059', (name: string, depth: number) => ({
    text: `${name} calls itself, and has not come to an end ${depth} calls deep`,
    notes: ['a call is expanded where it stands: only what is known when the kernel is compiled can end a recursion'],
    help: 'end it with an `if` on a number that the calls pass on, or write a loop',
  })),
  unsupportedArg: message('TL1060', (fn: string, arg: string, found: string, expected: string) => ({
    text: `tl.${fn}: ${arg} is ${found}`,
    notes: [`expected: ${expected}`],
    help: `pass ${expected}`,
  })),
  unknownArg: message('TL1061', (fn: string, arg: string, known: readonly string[]) => ({
    text: `tl.${fn} has no option '${arg}'`,
    notes: [`options: ${known.join(', ')}`],
    help: 'remove it or check its spelling',
  })),
  optionsByName: message('TL1131', (fn: string, found: string, known: readonly string[]) => ({
    text: `tl.${fn} takes its options by name, but got ${found} in their place`,
    notes: [`options: ${known.join(', ')}`],
    help: `write them as an object: { ${known[0]}: … }`,
  })),
  castRounding: message('TL1110', (rounding: string, from: DType, to: DType) => ({
    text: `tl.cast: fp_downcast_rounding is '${rounding}', but ${from} to ${to} does not round a float to a narrower float`,
    notes: ['Triton refuses it for every other cast, too'],
    help: 'leave fp_downcast_rounding out',
  })),
  castNoTruncation: message('TL1111', (from: DType, to: DType) => ({
    text: `tl.cast: ${from} to ${to} cannot round toward zero`,
    notes: ["Triton's compiler has no such conversion"],
    help: "leave fp_downcast_rounding out (to nearest even), or cast f32 or f16 to fp8e5 with 'rtz'",
  })),
  bitcastWidth: message('TL1112', (from: DType, to: DType) => ({
    text: `tl.cast cannot bitcast ${from} (${width(from)}) to ${to} (${width(to)})`,
    notes: ['expected: two dtypes of the same width; Triton refuses this too'],
    help: `${from.is_bool() ? '' : `bitcast to a dtype of ${width(from)}, or `}convert the value with tl.cast(x, tl.${to})`,
  })),
  castThrough: message('TL1113', (from: DType, to: DType) => ({
    text: `tl.cast: ${from} to ${to} is no conversion`,
    notes: ['Triton converts fp8 from and to floats alone'],
    help: `go through f32: tl.cast(tl.cast(x, tl.f32), tl.${to}); for the bits of an 8-bit integer pass { bitcast: true }`,
  })),
  reduceScalar: message('TL1062', (fn: string, a: Type) => ({
    text: `tl.${fn} reduces a tile, but its operand is ${printType(a)}`,
    help: 'a scalar needs no reduction; use it as it is',
  })),
  constexprMissing: message('TL1063', (name: string, kernel: string) => ({
    text: `kernel ${kernel} needs a value for '${name}'`,
    help: `pass ${name} in the launch arguments or in the signature`,
  })),
  returnMixed: message('TL1064', (name: string) => ({
    text: `device function ${name} returns a value on one way and none on another`,
    help: 'return a value of the same type on every way',
  })),
  jsError: message('TL1065', (err: Error) => ({
    text: `JavaScript failed while the kernel was traced: ${err.message}`,
    notes: err.name === 'Error' ? [] : [err.name],
    help: 'plain JavaScript in a kernel runs once, when the kernel is compiled; check the values it works on',
  })),
  escaped: message('TL1066', (what: string) => ({
    text: `${what} was made inside a loop or branch of the device and is used outside of it`,
    notes: ['arrays and objects that a loop or branch changes are not carried out of it; variables are'],
    help: 'keep it in a variable of its own, declared before the loop, or unroll the loop with tl.static_range',
  })),
  outsideFn: message('TL1067', (name: string) => ({
    text: `device function ${name} was called by code that is not compiled`,
    notes: ['device functions are expanded in kernels and in other device functions'],
    help: 'call it directly in the kernel, or make the caller a tl.fn too',
  })),
  kernelCalled: message('TL1089', (name: string) => ({
    text: `the kernel ${name} was called by code that is not compiled`,
    notes: ['a kernel may be called by a kernel or a device function, which it is then a part of'],
    help: `launch it: ${name}.launch(device, grid, { … })`,
  })),
  kernelArguments: message('TL1092', (name: string, found: string, params: readonly string[]) => ({
    text: `the call of the kernel ${name} ${found}`,
    notes: [`parameters: ${params.join(', ')}`],
    help: `pass them by name in one object: ${name}({ ${params.slice(0, 2).join(', ')}${params.length > 2 ? ', …' : ''} })`,
  })),
  ...BLOCK_MESSAGES,
  // ---- functions of elements
  elementFunction: message('TL1100', (name: string, found: string) => ({
    text: `tl.${name} needs a function, but got ${found}`,
    help: `pass a function of the kernel or one made by tl.fn, e.g. (a, b) => a + b`,
  })),
  elementCount: message('TL1101', (name: string, found: number, want: number) => ({
    text: `the function of tl.${name} returns ${found} value${found === 1 ? '' : 's'}`,
    notes: [
      name === 'map_elementwise'
        ? `expected: ${want === 1 ? 'a value, or a list of them' : `a list of ${want} values for each result, one for each element of a pack`}`
        : `expected: ${want === 1 ? 'one value' : `a list of ${want} values, one for each tile`}`,
    ],
    help:
      want === 1
        ? 'return a value on every way'
        : `return a list, e.g. return [${['a', 'b', 'c', 'd', 'e', 'f'].slice(0, want).join(', ')}]`,
  })),
  elementDtype: message('TL1102', (name: string, i: number, n: number, found: Type, want: Type) => ({
    text: `the function of tl.${name} returns ${printType(found)}${n > 1 ? ` as value ${i}` : ''}, but that must be ${printType(want)}`,
    notes: ['the function combines its own results with elements, so both have one dtype'],
    help: found.shape.length
      ? 'compute with the arguments alone; they are single elements'
      : `cast the result: tl.cast(…, tl.${want.elem}), or cast the tile first to compute in ${found.elem}`,
  })),
  elementEffect: message('TL1103', (name: string, op: string) => ({
    text: `the function of tl.${name} uses ${op}, but it may only compute`,
    notes: ['it is called in no fixed order, and more or less often than there are elements'],
    help: `load and store tiles outside of the function, before or after tl.${name}`,
  })),
  elementTile: message('TL1104', (name: string, found: string) => ({
    text: `the function of tl.${name} uses a tile (${found})`,
    notes: ['it works on single elements; its arguments are scalars'],
    help: `pass the tile to tl.${name} as one more operand: tl.${name}([x, y], …)`,
  })),
  atomicDtype: message('TL1068', (what: string, d: DType, expected: string) => ({
    text: `${what} does not support ${d}`,
    notes: [`expected: a pointer to ${expected}`],
    help: 'keep what programs share in one of these dtypes, and convert it with tl.cast when it is done',
  })),
  atomicShape: message('TL1069', (what: string, ptr: Type, value: Type) => ({
    text: `${what}: ${printType(value)} does not fit the pointers ${printType(ptr)}`,
    notes: ['the pointers must have the shape of what is done; they are never broadcast'],
    help: 'build the pointers with the shape of the value, e.g. p + tl.arange(0, BLOCK)',
  })),
  // ---- IR text and verifier
  irSyntax: message('TL1090', (what: string) => ({
    text: `IR text: ${what}`,
    help: 'compare with what `tessera lower --to ir` prints',
  })),
  irInvalid: message('TL1091', (what: string) => ({
    text: `invalid IR: ${what}`,
    help: 'this is a bug in a pass (or in hand-written IR); `--dump-after` shows which pass made it',
  })),
} as const;
