// Copies between strided views on the device, element by element, for elements of 1 to 8 bytes at any byte offset. In: two regions
// of one shape. Out: the parameters of a small WGSL program that is the same for all of them. Refuses to know dtypes: bytes only.

import { fail, NO_LOC } from '../../dsl/diagnostics.ts';
import { numel } from '../../dsl/types.ts';
import type { StridedRegion } from '../backend.ts';
import { TENSOR } from '../messages.ts';

export const MAX_RANK = 8;

/**
 * One invocation copies one element. Elements narrower than a word share words with neighbours that other invocations write,
 * so they are merged in with atomics: the bits of one element are only ever touched by its own invocation.
 */
export const COPY_WGSL = `struct Copy {
  count: u32, elem_bytes: u32, from_offset: u32, to_offset: u32,
  // x: size, y: stride in the source, z: stride in the target, in elements; slowest dimension first
  dims: array<vec4<u32>, ${MAX_RANK}>,
}
@group(0) @binding(0) var<storage, read> source: array<u32>;
@group(0) @binding(1) var<storage, read_write> goal: array<atomic<u32>>;
@group(0) @binding(2) var<uniform> c: Copy;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = ((group.z * groups.y + group.y) * groups.x + group.x) * 64u + lane;
  if (i >= c.count) { return; }
  var rest = i;
  var f = c.from_offset;
  var t = c.to_offset;
  for (var d = ${MAX_RANK - 1}; d >= 0; d--) {
    let dim = c.dims[d];
    let at = rest % dim.x;
    rest /= dim.x;
    f += at * dim.y;
    t += at * dim.z;
  }
  if (c.elem_bytes >= 4u) {
    let words = c.elem_bytes / 4u;
    for (var w = 0u; w < words; w++) { atomicStore(&goal[t * words + w], source[f * words + w]); }
    return;
  }
  let per_word = 4u / c.elem_bytes;
  let bits = 8u * c.elem_bytes;
  let mask = (1u << bits) - 1u;
  let value = (source[f / per_word] >> (f % per_word * bits)) & mask;
  let shift = t % per_word * bits;
  atomicAnd(&goal[t / per_word], ~(mask << shift));
  atomicOr(&goal[t / per_word], value << shift);
}
`;

/** The uniform block of COPY_WGSL. Dimensions that run on in both regions are merged, so that most copies have one or two. */
export function copyWords(from: StridedRegion, to: StridedRegion): Uint32Array {
  const dims: [size: number, from: number, to: number][] = [];
  for (let i = 0; i < to.shape.length; i++) {
    const [n, f, t] = [to.shape[i], from.strides[i], to.strides[i]];
    if (n === 1) continue;
    const last = dims.at(-1);
    if (last && last[1] === f * n && last[2] === t * n) dims[dims.length - 1] = [last[0] * n, f, t];
    else dims.push([n, f, t]);
  }
  if (dims.length > MAX_RANK)
    fail(NO_LOC, TENSOR.shape, `a strided copy of ${dims.length} dimensions (at most ${MAX_RANK}): [${to.shape.join(', ')}]`);
  const words = new Uint32Array(4 + 4 * MAX_RANK);
  words.set([numel(to.shape), to.elemBytes, from.offset, to.offset]);
  for (let i = 0; i < MAX_RANK; i++) words.set(dims[i - (MAX_RANK - dims.length)] ?? [1, 0, 0], 4 + 4 * i);
  return words;
}
