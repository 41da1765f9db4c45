// Messages about block pointers and tensor descriptors: a part of the table in messages.ts.

import { message } from './diagnostics.ts';
import type { DType, Type } from './types.ts';
import { printType } from './types.ts';

const shape = (s: readonly number[]) => `[${s.join(', ')}]`;

export const BLOCK_MESSAGES = {
  blockBase: message('TL1070', (what: string, found: string) => ({
    text: `${what} needs one pointer to where the tensor begins, but got ${found}`,
    help: 'pass a pointer parameter, or one plus a scalar',
  })),
  blockScalar: message('TL1071', (what: string, found: string) => ({
    text: `${what} takes integer scalars for the shape, strides and offsets, but got ${found}`,
    help: 'pass one integer a dimension, e.g. [m, n]',
  })),
  blockOffset64: message('TL1072', (what: string, a: Type) => ({
    text: `${what}: an offset is ${printType(a)}, but block offsets have 32 bits`,
    notes: ['Triton refuses this too'],
    help: 'cast it with tl.cast(x, tl.i32), or compute pointers with offsets of your own',
  })),
  blockRank: message('TL1073', (what: string, name: string, found: number, rank: number) => ({
    text: `${what}: ${name} has ${found} number${found === 1 ? '' : 's'}, but the block has ${rank} dimension${rank === 1 ? '' : 's'}`,
    help: `give ${name} one number a dimension`,
  })),
  blockOrder: message('TL1074', (order: readonly number[], rank: number) => ({
    text: `tl.make_block_ptr: order ${shape(order)} does not name each of the ${rank} dimensions once`,
    help: `for a row-major tensor pass ${shape([...Array(rank).keys()].reverse())}`,
  })),
  blockExpected: message('TL1075', (what: string, found: string) => ({
    text: `${what} needs a block pointer, but got ${found}`,
    help: 'make one with tl.make_block_ptr(base, { … }); ordinary pointers move with +',
  })),
  blockValue: message('TL1076', (found: Type, want: Type) => ({
    text: `cannot store ${printType(found)} to a block of ${printType(want)}`,
    notes: ['a block is stored as a whole: the shape must be its shape, and through a block pointer the dtype its dtype'],
    help: 'cast with tl.cast(x, dtype), broadcast with tl.broadcast_to(x, shape)',
  })),
  boundaryCheck: message('TL1077', (name: string, dims: readonly number[], rank: number) => ({
    text: `tl.${name}: boundary_check ${shape(dims)} does not fit a block of ${rank} dimension${rank === 1 ? '' : 's'}`,
    help: rank === 1 ? 'name dimension 0, once' : `name dimensions from 0 to ${rank - 1}, each once`,
  })),
  blockMask: message('TL1078', (name: string, option: string) => ({
    text: `tl.${name} through a block pointer takes no '${option}'`,
    notes: ['a block pointer knows the tensor, so it makes the mask itself'],
    help: "name the dimensions that may reach beyond the tensor: { boundary_check: [0, 1], padding_option: 'zero' }",
  })),
  notBlock: message('TL1079', (name: string, option: string) => ({
    text: `tl.${name} takes '${option}' only with a block pointer`,
    notes: ['the boundary of a tensor is not known from pointers to its elements'],
    help: 'pass { mask, other }, or make a block pointer with tl.make_block_ptr',
  })),
  paddingNan: message('TL1080', (name: string, d: DType) => ({
    text: `tl.${name}: padding_option 'nan' is for floats, but the elements are ${d}`,
    help: "use 'zero'",
  })),
  missingOption: message('TL1081', (name: string, option: string, needed: readonly string[]) => ({
    text: `tl.${name} needs '${option}'`,
    notes: [`it cannot do without: ${needed.join(', ')}`],
    help: `add ${option} to the options`,
  })),
  descriptorExpected: message('TL1082', (what: string, found: string) => ({
    text: `${what} needs a tensor descriptor, but got ${found}`,
    help: 'make one with tl.make_tensor_descriptor(base, { shape, strides, block_shape })',
  })),
  descriptorLastStride: message('TL1083', (found: string) => ({
    text: `tl.make_tensor_descriptor: the last stride is ${found}, but must be the constant 1`,
    notes: ['rows of a described tensor are contiguous; Triton refuses other strides too'],
    help: 'pass 1 as the last stride, and swap dimensions if another one is contiguous; or use tl.make_block_ptr',
  })),
  descriptorStride: message('TL1084', (dim: number, found: string, bytes: number) => ({
    text: `tl.make_tensor_descriptor: stride ${found} of dimension ${dim} is ${Number(found) * bytes} bytes, not a multiple of 16`,
    help: 'pad the rows of the tensor to 16 bytes, or use tl.make_block_ptr',
  })),
  descriptorBlock: message('TL1085', (row: number, d: DType) => ({
    text: `tl.make_tensor_descriptor: a block has ${row} x ${d} = ${row * d.bytes} bytes along the last dimension, but at least 16 are needed`,
    help: `use at least ${16 / d.bytes} elements along the last dimension`,
  })),
  descriptorRows: message('TL1086', (what: string, block: readonly number[]) => ({
    text: `${what} needs blocks of one row of a 2-D tensor, but they are ${shape(block)}`,
    help: 'make the descriptor with block_shape: [1, C]',
  })),
  descriptorRowOffsets: message('TL1087', (what: string, found: string) => ({
    text: `${what} needs a tile of at least 8 row numbers, but got ${found}`,
    help: 'pass an integer tile of shape [R] with R >= 8',
  })),
  descriptorColumns: message('TL1088', (what: string, d: DType, least: number, found: number) => ({
    text: `${what}: rows of ${d} need at least ${least} columns, but the block has ${found}`,
    help: `make the descriptor with block_shape: [1, ${least}] or wider`,
  })),
} as const;
