// A small pretty printer: text with places where a line may break. A group stands on one line if it fits, else all of its own
// breaks are taken.

export type Doc =
  | string
  | readonly Doc[]
  /** `broken`: in any case on several lines. */
  | { readonly k: 'group'; readonly body: Doc; readonly broken?: boolean }
  | { readonly k: 'indent'; readonly body: Doc }
  /** `flat` is what it is on one line. `hard` always breaks. */
  | { readonly k: 'line'; readonly flat: string; readonly hard?: boolean }
  /** The first that fits on its line; the last if none does. */
  | { readonly k: 'choice'; readonly options: readonly Doc[] }
  /** What follows comes from this place of the Python text; prints nothing. */
  | { readonly k: 'from'; readonly at: number }
  /** Only where the group is broken. */
  | { readonly k: 'ifBroken'; readonly text: string };

export const group = (...body: Doc[]): Doc => ({ k: 'group', body });
export const indent = (...body: Doc[]): Doc => ({ k: 'indent', body });
export const line: Doc = { k: 'line', flat: ' ' };
export const softline: Doc = { k: 'line', flat: '' };
export const hardline: Doc = { k: 'line', flat: '', hard: true };
export const from = (at: number): Doc => ({ k: 'from', at });
export const ifBroken = (text: string): Doc => ({ k: 'ifBroken', text });
export const join = (items: readonly Doc[], between: Doc): Doc => items.flatMap((d, i) => (i ? [between, d] : [d]));

/** `(a, b)`, broken to one item a line with a trailing comma. `pad` is a space inside, as in `{ a }`. */
export const list = (open: string, items: readonly Doc[], close: string, pad = false): Doc => {
  if (!items.length) return open + close;
  const edge = pad ? line : softline;
  return group(open, indent(edge, join(items, [',', line])), ifBroken(','), edge, close);
};

/** Arguments of a call. A last argument in braces may stand open alone: `f(a, {` … `})`. */
export const args = (items: readonly Doc[], last: Doc | null): Doc => {
  const all = list('(', last === null ? items : [...items, last], ')');
  const inner = last !== null && !isList(last) && typeof last !== 'string' && last.k === 'group' ? last.body : null;
  if (inner === null) return all;
  const hugged = ['(', items.map((d) => [d, ', ']), { k: 'group', body: inner, broken: true } as Doc, ')'];
  return { k: 'choice', options: [all, hugged, all] };
};

type Item = readonly [indent: number, broken: boolean, doc: Doc];

/**
 * Text of `doc` in lines of at most `width` where that is possible. `origin` is told, in order, from which line of the output on the
 * text comes from a place in Python.
 */
export function print(doc: Doc, width: number, start = 0, origin: (line: number, at: number) => void = () => {}): string {
  let out = '';
  let lines = 0;
  let column = start;
  const stack: Item[] = [[start, true, doc]];
  while (stack.length) {
    const [at, broken, d] = stack.pop()!;
    if (typeof d === 'string') {
      out += d;
      column += d.length;
    } else if (isList(d)) for (let i = d.length - 1; i >= 0; i--) stack.push([at, broken, d[i]]);
    else if (d.k === 'indent') stack.push([at + 2, broken, d.body]);
    else if (d.k === 'from') origin(lines, d.at);
    else if (d.k === 'ifBroken') {
      if (broken) stack.push([at, broken, d.text]);
    } else if (d.k === 'choice') {
      const [flat, ...others] = d.options;
      if (fits(width - column, [at, false, flat], stack)) stack.push([at, false, flat]);
      else stack.push([at, broken, others.find((o) => fits(width - column, [at, false, o], stack)) ?? others[others.length - 1]]);
    } else if (d.k === 'group') stack.push([at, d.broken || !fits(width - column, [at, false, d.body], stack), d.body]);
    else if (broken || d.hard) {
      out = `${out.replace(/ +$/, '')}\n${' '.repeat(at)}`;
      column = at;
      lines++;
    } else {
      out += d.flat;
      column += d.flat.length;
    }
  }
  return out;
}
const isList = (d: Doc): d is readonly Doc[] => Array.isArray(d);

/** True if `first` fits on the line, with what follows it up to the next possible break. */
function fits(room: number, first: Item, rest: readonly Item[]): boolean {
  const stack: Item[] = [first];
  let next = rest.length;
  while (room >= 0) {
    if (!stack.length) {
      if (next === 0) return true;
      stack.push(rest[--next]);
      continue;
    }
    const [at, broken, d] = stack.pop()!;
    if (typeof d === 'string') room -= d.length;
    else if (isList(d)) for (let i = d.length - 1; i >= 0; i--) stack.push([at, broken, d[i]]);
    else if (d.k === 'indent') stack.push([at, broken, d.body]);
    else if (d.k === 'group') stack.push([at, d.broken ?? false, d.body]);
    else if (d.k === 'choice') stack.push([at, false, d.options[0]]);
    else if (d.k === 'from') continue;
    else if (d.k === 'ifBroken') room -= broken ? d.text.length : 0;
    else if (d.hard || broken) return true;
    else room -= d.flat.length;
  }
  return false;
}
