// IR → text. `parse(print(f))` gives the same IR. One line an op:
//   %r, %s = name %a, %b {attr=1} (%i: i32) { … } : f32, f32 @12:5-12:20
// Values are named after the source where it has a name, numbered per function otherwise, so that diffs stay small.

import { type Loc, NO_LOC } from '../diagnostics.ts';
import { printType } from '../types.ts';
import type { Attr, Attrs, Block, Func, Op, Value } from './ir.ts';

export interface PrintOptions {
  /** Leave locations out (snapshots, cache keys). */
  readonly locs?: boolean;
}

/** Gives each value of a function a unique printable name; shared by the printer and the WGSL emitter. */
export class Names {
  private readonly names = new Map<Value, string>();
  private readonly taken = new Map<string, number>();
  private next = 0;
  /** The value's name, given at first sight. */
  of(v: Value): string {
    let n = this.names.get(v);
    if (n === undefined) {
      n = v.name === undefined ? String(this.next++) : this.unique(v.name.replace(/[^\w$]/g, '_'));
      this.names.set(v, n);
    }
    return n;
  }
  private unique(base: string): string {
    const count = this.taken.get(base) ?? 0;
    this.taken.set(base, count + 1);
    return count === 0 ? base : this.unique(`${base}_${count}`);
  }
}

const printNumber = (x: number): string =>
  Number.isNaN(x)
    ? 'nan'
    : x === Number.POSITIVE_INFINITY
      ? 'inf'
      : x === Number.NEGATIVE_INFINITY
        ? '-inf'
        : Object.is(x, -0)
          ? '-0'
          : String(x);
export function printAttr(a: Attr): string {
  if (typeof a === 'number') return printNumber(a);
  if (typeof a === 'bigint') return `${a}n`;
  if (typeof a === 'boolean') return String(a);
  if (typeof a === 'string') return JSON.stringify(a);
  return `[${(a as readonly (number | string)[]).map(printAttr).join(', ')}]`;
}
const printAttrs = (attrs: Attrs): string => {
  const keys = Object.keys(attrs).filter((k) => attrs[k] !== undefined);
  return keys.length ? ` {${keys.map((k) => `${k}=${printAttr(attrs[k])}`).join(', ')}}` : '';
};

export function printFunc(f: Func, options: PrintOptions = {}): string {
  const names = new Names();
  const locs = options.locs ?? true;
  const value = (v: Value) => `%${names.of(v)}`;
  const typed = (v: Value) => `${value(v)}: ${printType(v.type)}`;

  const span = (l: Loc): string => {
    const file = l.file === f.loc.file ? '' : `${JSON.stringify(l.file)}`;
    const fn = l.fn && l.fn !== f.name ? `${l.fn}/` : '';
    const at = `${file}${fn}${l.line}:${l.col}-${l.endLine}:${l.endCol}`;
    return l.parent ? `${at}<${span(l.parent)}` : at;
  };
  const place = (l: Loc): string => (!locs || l === NO_LOC || l.line === 0 ? '' : ` @${span(l)}`);

  const block = (b: Block, indent: string): string[] => b.ops.flatMap((o) => op(o, indent));
  const op = (o: Op, indent: string): string[] => {
    const operands = o.operands.length ? ` ${o.operands.map(value).join(', ')}` : '';
    const head = `${o.name}${operands}${printAttrs(o.attrs)}`;
    // Regions are printed before the results get names, so that numbering follows the text.
    const lines: string[] = [];
    let text = '';
    for (const r of o.regions) {
      text += ` (${r.args.map(typed).join(', ')}) {`;
      lines.push(text, ...block(r, `${indent}  `));
      text = `${indent}}`;
    }
    const results = o.results.length ? `${o.results.map(value).join(', ')} = ` : '';
    const tail = `${o.results.length ? ` : ${o.results.map((v) => printType(v.type)).join(', ')}` : ''}${place(o.loc)}`;
    if (!o.regions.length) return [`${indent}${results}${head}${tail}`];
    lines[0] = `${indent}${results}${head}${lines[0]}`;
    return [...lines, text + tail];
  };

  const params = f.params.map((p) => {
    const facts = [
      ...(p.divisibleBy > 1 ? [`div=${p.divisibleBy}`] : []),
      ...(p.buffer !== undefined ? [`buf=${p.buffer}`] : []),
    ];
    if (p.value.name === undefined) p.value.name = p.name;
    if (names.of(p.value) !== p.name) facts.push(`name=${JSON.stringify(p.name)}`);
    return `${typed(p.value)}${facts.length ? ` {${facts.join(', ')}}` : ''}${place(p.loc)}`;
  });
  const constants = Object.keys(f.constants).length
    ? ` constants {${Object.entries(f.constants)
        .map(([k, v]) => `${/^[\w$]+$/.test(k) ? k : JSON.stringify(k)}=${JSON.stringify(v)}`)
        .join(', ')}}`
    : '';
  const attrs = Object.keys(f.attrs).length ? ` attrs${printAttrs(f.attrs)}` : '';
  const where = locs && f.loc !== NO_LOC ? ` loc ${JSON.stringify(f.loc.file)} @${span(f.loc)}` : '';
  const head = `func @${f.name}(${params.join(', ')}) ${f.level}${constants}${attrs}${where} {`;
  return `${[head, ...block(f.body, '  '), '}'].join('\n')}\n`;
}
