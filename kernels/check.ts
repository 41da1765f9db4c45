// What a host function asks of its arguments before anything is launched. In: tensors and numbers as the caller gave them.
// Out: nothing, or an ArgumentError that names the function, the argument, what was expected and what was found.

import type { Device, DType, Tensor } from '../src/index.ts';

/** A host function was called with arguments that its kernel would misread. Nothing was launched. */
export class ArgumentError extends Error {
  override readonly name = 'ArgumentError';
}

const shapeText = (shape: readonly (number | string)[]): string => `[${shape.join(', ')}]`;

/** Calls of `once` that passed, by device. */
const PASSED = new WeakMap<Device, Set<string>>();
const MOST_PASSED = 256;

/** The checks of one call. Each method throws an `ArgumentError` unless what it says holds. */
export class Arguments {
  private readonly fn: string;
  private readonly device: Device | null;
  /** Without a device no tensor can be checked. */
  constructor(fn: string, device: Device | null = null) {
    this.fn = fn;
    this.device = device;
  }

  /** `found` completes "found …", `expected` completes "expected …". */
  require(ok: boolean, name: string, expected: string, found: string): void {
    if (!ok) throw new ArgumentError(`${this.fn}: argument '${name}': expected ${expected}, found ${found}`);
  }

  /** A tensor of this device with as many dimensions as `dims`. A number in `dims` is a size to match, a string only a name. */
  tensor(name: string, t: Tensor, dims: readonly (number | string)[], why = ''): void {
    const isTensor = typeof t === 'object' && t !== null && Array.isArray(t.shape) && Array.isArray(t.strides);
    this.require(isTensor, name, `a tensor ${shapeText(dims)}`, t === null ? 'null' : typeof t);
    this.require((t.device as unknown) === this.device, name, 'a tensor of the device that was passed', 'one of another device');
    const fits = t.shape.length === dims.length && dims.every((d, axis) => typeof d === 'string' || d === t.shape[axis]);
    this.require(fits, name, `shape ${shapeText(dims)}${why && ` (${why})`}`, shapeText(t.shape));
  }

  dtype(name: string, t: Tensor, allowed: readonly DType[], why = ''): void {
    const names = allowed.map((d) => d.name).join(' or ');
    this.require(allowed.includes(t.dtype), name, `dtype ${names}${why && ` (${why})`}`, t.dtype.name);
  }

  /** The last `axes` dimensions lie in row-major order without gaps, so that the kernel may address them as one row. */
  contiguous(name: string, t: Tensor, axes = t.shape.length): void {
    let stride = 1;
    for (let axis = t.shape.length - 1; axis >= t.shape.length - axes; axis--) {
      const ok = t.shape[axis] <= 1 || t.strides[axis] === stride;
      const all = axes === t.shape.length;
      const what = all
        ? 'a contiguous tensor'
        : `contiguous elements in the last ${axes === 1 ? 'dimension' : `${axes} dimensions`}`;
      this.require(ok, name, what, `strides ${shapeText(t.strides)} of shape ${shapeText(t.shape)}`);
      stride *= t.shape[axis];
    }
  }

  integer(name: string, value: number, min: number, max = Number.MAX_SAFE_INTEGER): void {
    const ok = Number.isInteger(value) && value >= min && value <= max;
    const range = max === Number.MAX_SAFE_INTEGER ? `an integer ≥ ${min}` : `an integer from ${min} to ${max}`;
    this.require(ok, name, range, String(value));
  }

  number(name: string, value: number, min = -Infinity): void {
    const ok = typeof value === 'number' && Number.isFinite(value) && value >= min;
    this.require(ok, name, min === -Infinity ? 'a finite number' : `a number ≥ ${min}`, String(value));
  }

  /**
   * The values of an integer tensor for a range check, or null where there are none to be had without a wait. `checks` is the option
   * of the host function: true asks for them, false says that no ranges are checked.
   */
  values(name: string, t: Tensor, checks?: boolean): Float64Array | null {
    if (checks === false) return null;
    const values = t.hostValues();
    const how = `values that the host knows (checks: true; await ${name}.readBack() fetches them)`;
    this.require(values !== null || checks !== true, name, how, 'values that a launch wrote');
    return values;
  }

  /**
   * Runs a check of values, unless it passed before and nothing has written to the tensors since: layer after layer passes the same
   * tables. `facts` is everything else that the check looks at.
   */
  once(tensors: readonly Tensor[], facts: readonly unknown[], body: () => void): void {
    // What launches of the interpreter write is not counted.
    if (this.device?.kind !== 'webgpu') {
      body();
      return;
    }
    let passed = PASSED.get(this.device);
    if (!passed) PASSED.set(this.device, (passed = new Set()));
    const state = ({ storage: { memory, writes, host }, offset, shape, strides }: Tensor): string =>
      `${memory.id},${writes},${host !== null},${offset},${shape},${strides}`;
    const key = `${this.fn}|${facts.join()}|${tensors.map(state).join('|')}`;
    if (passed.has(key)) return;
    body();
    if (passed.size >= MOST_PASSED) passed.clear();
    passed.add(key);
  }

  powerOfTwo(name: string, value: number): void {
    this.require(
      Number.isInteger(value) && value > 0 && 2 ** Math.round(Math.log2(value)) === value,
      name,
      'a power of two',
      String(value),
    );
  }
}
