// Values that were computed, as TypeScript.

import { type Doc, indent, join, line, list } from '../doc.ts';
import { DTYPE_KINDS } from '../names.ts';
import { tsString } from '../strings.ts';
import { Reference, Unknown, type Value } from './values.ts';

/** PyTorch's dtypes by Triton's names. */
const TORCH: { readonly [name: string]: string } = {
  half: 'float16',
  float: 'float32',
  double: 'float64',
  short: 'int16',
  int: 'int32',
  long: 'int64',
  bool: 'int1',
  float8_e4m3fn: 'float8e4nv',
  float8_e5m2: 'float8e5',
};

/** The dtype of Triton's or PyTorch's that a reference names. */
export function dtypeOf(v: Value): string | null {
  const [, module, name] = v instanceof Reference ? (/^(triton|torch)\.(\w+)$/.exec(v.path) ?? []) : [];
  const own = (module === 'torch' && TORCH[name]) || name;
  return DTYPE_KINDS.has(own) ? own : null;
}

/** A property's name in an object. */
export const propertyName = (name: string): string => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : tsString(name));
export const property = (name: string): string => (/^[A-Za-z_$][\w$]*$/.test(name) ? `.${name}` : `[${tsString(name)}]`);

/** `v` as an expression. @throws Unknown for functions and other things that are no data. */
export function spell(v: Value, at: { readonly from: number; readonly to: number }): Doc {
  if (typeof v === 'string') return tsString(v);
  if (typeof v !== 'object' || v === null) return String(v);
  if (Array.isArray(v))
    return list(
      '[',
      v.map((x) => spell(x, at)),
      ']',
    );
  if (v instanceof Map) return record([...v].map(([k, x]) => [String(k), spell(x, at)]));
  const dtype = dtypeOf(v);
  if (dtype !== null) return `tl.${dtype}`;
  throw new Unknown(at, v instanceof Reference ? `\`${v.path}\`` : 'a function where a value is expected');
}
/** `{ a: 1, b: 2 }`; on several lines where a value must be. */
export function record(entries: readonly (readonly [name: string, value: Doc])[]): Doc {
  const items = entries.map(([k, d]): Doc => (k === d ? k : [propertyName(k), ': ', d]));
  return items.some(hasHardLine) ? brokenList('{', items, '}') : list('{', items, '}', true);
}
/** One item a line. */
export const brokenList = (open: string, items: readonly Doc[], close: string): Doc => ({
  k: 'group',
  body: [open, indent(line, join(items, [',', line])), ',', line, close],
  broken: true,
});
const hasHardLine = (d: Doc): boolean =>
  typeof d === 'string' || (!Array.isArray(d) && !('k' in d))
    ? false
    : Array.isArray(d)
      ? d.some(hasHardLine)
      : 'body' in d
        ? hasHardLine(d.body)
        : 'hard' in d && d.hard === true;

/** The TypeScript type of a constexpr that has this value. */
export const typeOf = (v: Value): string =>
  v === null
    ? 'null'
    : typeof v === 'boolean'
      ? 'boolean'
      : typeof v === 'string'
        ? 'string'
        : dtypeOf(v) !== null
          ? 'tl.dtype'
          : typeof v === 'number'
            ? 'number'
            : 'any';
