// Every message of the runtime, TL4xxx: TL40xx launches, TL41xx tensors, TL42xx devices. In: what was found, as short text. Out: one
// line, notes, and one thing to do. A launch message stands at the kernel's parameter; the others have no place in kernel source.

import { message } from '../dsl/diagnostics.ts';

/** `1536` → `1536 bytes`, `3145728` → `3 MiB`: exact where small, readable where large. */
export function bytesText(n: number): string {
  if (n < 16384) return `${n} bytes`;
  for (const [unit, size] of [
    ['GiB', 2 ** 30],
    ['MiB', 2 ** 20],
    ['KiB', 2 ** 10],
  ] as const) {
    if (n >= size) return `${Number((n / size).toFixed(2))} ${unit}`;
  }
  return `${n} bytes`;
}
const list = (names: readonly string[]): string => (names.length ? names.join(', ') : 'none');
const arg = (name: string): string => `argument '${name}'`;

/** TL40xx: what a launch was given. */
export const LAUNCH = {
  unknownArgument: message('TL4001', (kernel: string, name: string, known: readonly string[]) => ({
    text: `${kernel} has no parameter '${name}'`,
    notes: [`parameters: ${list(known)}`],
    help: `remove '${name}' from the launch, or add it to the kernel's parameters`,
  })),
  missingArgument: message('TL4002', (kernel: string, name: string, kind: string) => ({
    text: `the launch of ${kernel} gives no ${kind === 'constexpr' ? 'constexpr ' : ''}${arg(name)}`,
    help: `add ${name} to the launch`,
  })),
  tupleParts: message('TL4024', (name: string, type: string, got: string) => ({
    text: `${arg(name)} is ${type}, but the launch gives ${got}`,
    help: type.startsWith('{') ? 'pass an object with these names' : 'pass an array with as many parts',
  })),
  unknownOption: message('TL4025', (kernel: string, name: string, known: readonly string[]) => ({
    text: `${kernel} is given the option '${name}', which does not exist here`,
    notes: [`options: ${list(known)}`],
    help: 'remove it or check its spelling; constexprs go among the arguments',
  })),
  badOption: message('TL4026', (kernel: string, name: string, got: string, expected: string) => ({
    text: `${kernel} is given ${name}: ${got}`,
    notes: [`expected: ${expected}`],
    help: `change ${name} or leave it out`,
  })),
  pointerDtype: message('TL4003', (name: string, want: string, got: string) => ({
    text: `${arg(name)} points to ${want}, but the tensor holds ${got}`,
    help: `convert the data to ${want}, or declare ${name}: tl.ptr without a dtype to accept both`,
  })),
  nullPointer: message('TL4004', (name: string, type: string) => ({
    text: `${arg(name)} is null, but its type ${type} is not optional`,
    help: `pass a tensor, or declare ${name}: ${type} | null`,
  })),
  notTensor: message('TL4005', (name: string, type: string, got: string) => ({
    text: `${arg(name)} is ${type}, but the launch gives ${got}`,
    help: 'make a tensor first: device.tensor(data, { dtype })',
  })),
  notNumber: message('TL4006', (name: string, dtype: string, got: string) => ({
    text: `${arg(name)} is a scalar (${dtype}), but the launch gives ${got}`,
    help: 'pass a number, a bigint or a boolean',
  })),
  notInteger: message('TL4007', (name: string, dtype: string, value: string) => ({
    text: `${arg(name)} is ${dtype}, but ${value} is not an integer`,
    help: `round it before the launch, or declare ${name} as tl.f32`,
  })),
  outOfRange: message('TL4008', (name: string, dtype: string, value: string, lo: string, hi: string) => ({
    text: `${arg(name)} is ${dtype}, but ${value} does not fit`,
    notes: [`${dtype} holds ${lo} to ${hi}`],
    help: `declare ${name} with a wider dtype, or pass a smaller number`,
  })),
  otherDevice: message('TL4009', (name: string, tensor: string, theirs: string, ours: string) => ({
    text: `${arg(name)}: ${tensor} lives on another device (${theirs})`,
    notes: [`the launch is on ${ours}`],
    help: 'download it and make a tensor on this device',
  })),
  freedTensor: message('TL4010', (name: string, tensor: string, why: string) => ({
    text: `${arg(name)}: ${tensor} ${why}`,
    help: 'free a tensor only after its last launch and download',
  })),
  badConstexpr: message('TL4011', (name: string, want: string, got: string) => ({
    text: `constexpr ${arg(name)} is ${want}, but the launch gives ${got}`,
    help: 'a constexpr is a compile-time value: a number, a boolean, a dtype, a string, a function or an array of these',
  })),
  badGrid: message('TL4012', (kernel: string, grid: string, why: string) => ({
    text: `the grid ${grid} of ${kernel} ${why}`,
    help: 'a grid is one to three integers >= 0, e.g. [cdiv(n, BLOCK)] or [rows, cols]',
  })),
  tooManyPrograms: message('TL4013', (kernel: string, grid: string, total: string) => ({
    text: `the grid ${grid} of ${kernel} has ${total} programs, more than 2^32`,
    help: 'give each program more work, or launch in parts',
  })),
  tooManyElements: message('TL4014', (name: string, tensor: string, elements: string) => ({
    text: `${arg(name)}: the buffer of ${tensor} has ${elements} elements, and kernels index with 31 bits`,
    help: 'split the tensor into buffers of fewer than 2147483648 elements and launch once for each',
  })),
  workgroupMemory: message('TL4015', (kernel: string, need: number, have: number, blocks: readonly string[], factor: number) => ({
    text: `${kernel} needs ${bytesText(need)} of workgroup memory; this device has ${bytesText(have)} (${bytesText(need - have)} too much)`,
    notes: blocks.length ? [`block sizes: ${blocks.join(', ')}`] : [],
    help: `make its tiles ${factor} times smaller${blocks.length ? `, e.g. ${blocks[0].split('=')[0]}=${Math.max(1, Math.floor(Number(blocks[0].split('=')[1]) / factor))}` : ''}`,
  })),
  invocations: message('TL4016', (kernel: string, need: number, have: number) => ({
    text: `${kernel} wants ${need} invocations a program; this device allows ${have}`,
    help: `launch it with at most ${have} invocations (num_warps: ${Math.max(1, Math.floor(have / 32))})`,
  })),
  storageBuffers: message('TL4017', (kernel: string, need: number, have: number, names: readonly string[]) => ({
    text: `${kernel} uses ${need} buffers; this device binds at most ${have}`,
    notes: [`buffers: ${names.join(', ')}`],
    help: `put ${need - have + 1} of the small tensors into one tensor and pass views of it: views of one tensor share a binding`,
  })),
  bindingSize: message('TL4018', (name: string, tensor: string, need: number, have: number, elements: number) => ({
    text: `${arg(name)}: ${tensor} takes ${bytesText(need)}; this device binds at most ${bytesText(have)} (${bytesText(need - have)} too much)`,
    help: `split it: ${elements} elements fit`,
  })),
  missingFeature: message('TL4019', (kernel: string, feature: string) => ({
    text: `${kernel} needs the feature '${feature}', which this device does not have`,
    help: 'build it again for this device (tessera build without that feature), or run it on another one: see tessera doctor',
  })),
  noCompiler: message('TL4020', (kernel: string) => ({
    text: `kernel ${kernel} cannot be compiled: this device was opened without the compiler`,
    help: "open it with device() of 'tessera', or launch what `tessera build` wrote with launchProgram()",
  })),
  noWgsl: message('TL4021', (kernel: string) => ({
    text: `${kernel} is WGSL, which the interpreter cannot run`,
    help: 'launch the kernel itself, or open a WebGPU device: tessera doctor says what is missing',
  })),
  sharedBuffer: message('TL4022', (kernel: string, a: string, b: string) => ({
    text: `${kernel} was compiled for separate buffers, but arguments '${a}' and '${b}' share one, which it writes`,
    help: 'build it for arguments that share a buffer (tessera build --signature), or pass separate tensors',
  })),
  separateBuffers: message('TL4023', (kernel: string, a: string, b: string) => ({
    text: `${kernel} was compiled for arguments '${a}' and '${b}' in one buffer, but they are separate tensors`,
    help: 'pass views of one tensor, or build it for separate buffers (tessera build --signature)',
  })),
};

/** TL41xx: tensors. */
export const TENSOR = {
  length: message('TL4101', (tensor: string, got: number, want: number) => ({
    text: `${tensor} takes ${want} elements, but the data has ${got}`,
    help: 'make the data as long as the shape (with strides: as its first to last element) says',
  })),
  shape: message('TL4102', (shape: string) => ({
    text: `${shape} is not a shape`,
    help: 'a shape is an array of integers >= 0',
  })),
  value: message('TL4103', (tensor: string, index: number, value: string, dtype: string) => ({
    text: `element ${index} of the data for ${tensor} is ${value}, which ${dtype} cannot hold`,
    help: `round or clamp the data to ${dtype} first`,
  })),
  freedTwice: message('TL4104', (tensor: string) => ({
    text: `${tensor} was freed twice`,
    help: 'call free() once; views need no free()',
  })),
  useAfterFree: message('TL4105', (tensor: string, why: string) => ({
    text: `${tensor} ${why}`,
    help: 'free a tensor only after its last launch and download',
  })),
  reshape: message('TL4106', (tensor: string, shape: string, why: string) => ({
    text: `${tensor} cannot be viewed with shape ${shape}: ${why}`,
    help: 'call contiguous() first, or choose a shape with as many elements',
  })),
  index: message('TL4107', (tensor: string, what: string) => ({
    text: `${tensor}: ${what}`,
    help: 'negative indices count from the end',
  })),
  viewDtype: message('TL4108', (tensor: string, dtype: string, why: string) => ({
    text: `${tensor} cannot be viewed as ${dtype}: ${why}`,
    help: 'the last dimension must be contiguous and divide evenly into elements of the new width',
  })),
  tooLarge: message('TL4109', (tensor: string, need: number, have: number) => ({
    text: `${tensor} takes ${bytesText(need)}; the largest buffer of this device is ${bytesText(have)}`,
    help: 'split it into several tensors',
  })),
  ragged: message('TL4110', (what: string) => ({
    text: `nested arrays differ in length: ${what}`,
    help: 'give every row the same length',
  })),
  strides: message('TL4111', (shape: string, strides: string) => ({
    text: `strides ${strides} do not go with shape ${shape}`,
    help: 'give one integer >= 0 for each dimension, in elements',
  })),
  data: message('TL4112', (what: string) => ({
    text: `${what} is not tensor data`,
    help: 'pass a typed array, an array of numbers (nested for more dimensions), or one number',
  })),
  copyFrom: message('TL4114', (to: string, from: string) => ({
    text: `${to} cannot take the elements of ${from}`,
    notes: ['both must be of one device, dtype and shape'],
    help: 'reshape or convert the source first',
  })),
  dtype: message('TL4113', (what: string) => ({
    text: `${what} is not a dtype`,
    help: "use a name such as 'f32', 'f16', 'i32', 'i64' or 'bool'",
  })),
};

/** TL42xx: devices. */
export const DEVICE = {
  noFeature: message('TL4201', (feature: string, adapter: string) => ({
    text: `the adapter ${adapter} does not offer the feature '${feature}'`,
    help: 'leave it out of device({ features }); tessera doctor lists what there is',
  })),
  lost: message('TL4202', (reason: string, launches: readonly string[]) => ({
    text: `the device was lost: ${reason}`,
    notes: launches.length ? [`launches that had not finished: ${launches.join('; ')}`] : [],
    help: 'make a new device(); if one launch runs for seconds, give it fewer programs or less work each',
  })),
  outOfMemory: message('TL4203', (what: string, detail: string, held: number) => ({
    text: `out of device memory in ${what}`,
    notes: [`tensors hold ${bytesText(held)}`, ...(detail ? [detail] : [])],
    help: 'free tensors that are no longer needed, or work in smaller parts',
  })),
  validation: message('TL4204', (what: string, detail: string) => ({
    text: `the device refused ${what}`,
    notes: detail.split('\n').filter((l) => l.trim()),
    help: 'this is a bug in Tessera: please report it with the kernel and the output of tessera doctor',
  })),
  destroyed: message('TL4205', () => ({ text: 'the device was destroyed', help: 'make a new one: await device()' })),
  assertion: message('TL4206', (kernel: string, text: string, where: string) => ({
    text: `device_assert failed in ${kernel}${text ? `: ${text}` : ''}`,
    notes: [where],
    help: `look at it step by step: tessera debug FILE --kernel ${kernel}`,
  })),
  inlineWgsl: message('TL4208', (detail: string) => ({
    text: `the device does not take this WGSL: ${detail}`,
    help: 'write an expression of WGSL whose type is the dtype; f16 and bf16 operands and results are f32 there',
  })),
  noTimestamps: message('TL4207', (adapter: string) => ({
    text: `the adapter ${adapter} has no timestamps`,
    help: 'time with performance.now() around launches and sync()',
  })),
};

/** TL43xx: tuning. */
export const TUNE = {
  configs: message('TL4301', (kernel: string, name: string | null, known: readonly string[]) => ({
    text:
      name === null
        ? `autotune of ${kernel} has no configs`
        : `autotune of ${kernel} names '${name}', which is no parameter of it`,
    notes: [`parameters: ${known.join(', ')}`],
    help: 'give at least one Config, with constexpr parameters of the kernel; the key takes parameters too',
  })),
  bench: message('TL4306', (name: string, got: string, expected: string) => ({
    text: `testing.do_bench: ${name} is ${got}`,
    notes: [`expected: ${expected}`],
    help: `change ${name} or leave it out`,
  })),
  pruned: message('TL4302', (kernel: string, configs: number) => ({
    text: `autotune of ${kernel}: prune_configs_by leaves none of the ${configs} configs`,
    help: 'let early_config_prune keep at least one for every shape, and top_k be at least 1',
  })),
  conflict: message('TL4304', (kernel: string, name: string) => ({
    text: `${name} is given to ${kernel} twice: by the launch and by its config`,
    help: `leave it out of the launch, or launch the kernel without its configs: \`${kernel}.kernel.launch(…)\``,
  })),
  heuristics: message('TL4303', (kernel: string, name: string, known: readonly string[]) => ({
    text: `heuristics of ${kernel} name '${name}', which is no parameter of it`,
    notes: [`parameters: ${known.join(', ')}`],
    help: 'check the spelling, or declare the parameter as tl.constexpr',
  })),
};

/** TL44xx: recorded sequences. */
export const SEQUENCE = {
  nested: message('TL4401', () => ({
    text: 'device.record() inside device.record()',
    help: 'record one sequence after the other, and replay both',
  })),
  notRecordable: message('TL4402', (what: string) => ({
    text: `${what} cannot be recorded`,
    notes: ['a sequence holds launches, copies between tensors and fills'],
    help: 'do it before or after replay(); a replay sees what the tensors hold then',
  })),
  asynchronous: message('TL4403', () => ({
    text: 'the function given to device.record() is asynchronous',
    help: 'await what it needs first: what it launches after an await would not be recorded',
  })),
  freed: message('TL4404', () => ({ text: 'the sequence was freed', help: 'record it again' })),
  tensorGone: message('TL4405', (tensor: string, why: string) => ({
    text: `a tensor of the sequence, ${tensor}, ${why}`,
    help: 'keep the tensors of a sequence as long as it is replayed, and write new contents to them',
  })),
};
