// Text → IR: reads what print.ts writes, and IR written by hand (locations and facts may be left out). Errors point into the
// text itself.

import { fail, type Loc, NO_LOC, registerSource } from '../diagnostics.ts';
import { TL } from '../messages.ts';
import { parseType, printType, sameType, type Type } from '../types.ts';
import { inferTypes, type RowLookup } from './build.ts';
import { type Attr, type Attrs, type Block, type Func, type Op, type Param, Value } from './ir.ts';

const TOKEN =
  /\s+|;[^\n]*|%[\w$]+|@|"(?:[^"\\]|\\.)*"|-?(?:inf|nan)\b|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?n?|tile<[^()\s]*?>(?:>)?|ptr<\w+>|[A-Za-z_$][\w$]*|[(){}[\]<>,:=/-]/y;
let textCount = 0;

interface Token {
  readonly text: string;
  readonly at: number;
}

/** Parses one function. `rows` finds op rows: the tile level's by default, the caller gives the lane level's. */
export function parseFunc(text: string, rows?: { tile?: RowLookup; lane?: RowLookup }): Func {
  const textFile = `<ir text ${++textCount}>`;
  registerSource(textFile, 1, text);
  const placeOf = (at: number): Loc => {
    const before = text.slice(0, at).split('\n');
    const line = before.length;
    const col = before[line - 1].length + 1;
    return { file: textFile, line, col, endLine: line, endCol: col + 1 };
  };
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const m = TOKEN.exec(text);
    if (!m) return fail(placeOf(at), TL.irSyntax, `unexpected ${JSON.stringify(text[at])}`);
    if (!/^(\s|;)/.test(m[0])) tokens.push({ text: m[0], at });
  }
  let i = 0;
  const here = (): Loc => placeOf(tokens[i]?.at ?? text.length);
  const bad = (what: string): never =>
    fail(here(), TL.irSyntax, `${what}, found ${tokens[i] ? `'${tokens[i].text}'` : 'the end'}`);
  const peek = (ahead = 0): string | undefined => tokens[i + ahead]?.text;
  const next = (): string => tokens[i++]?.text ?? bad('the text ends too early');
  const accept = (t: string): boolean => peek() === t && ++i > 0;
  const expect = (t: string): void => {
    if (!accept(t)) bad(`expected '${t}'`);
  };
  const list = <T>(end: string, item: () => T): T[] => {
    const out: T[] = [];
    while (peek() !== end) {
      out.push(item());
      if (!accept(',')) break;
    }
    expect(end);
    return out;
  };
  const scope = new Map<string, Value>();
  const define = (name: string, type: Type): Value => {
    const v = new Value(type, /^%\d+$/.test(name) ? undefined : name.slice(1));
    if (scope.has(name)) bad(`${name} is defined twice`);
    scope.set(name, v);
    return v;
  };
  const type = (): Type => parseType(next()) ?? bad('expected a type');
  const number = (t: string): number | bigint =>
    t.endsWith('n') && !t.endsWith('nan')
      ? BigInt(t.slice(0, -1))
      : t === 'nan'
        ? Number.NaN
        : t.endsWith('inf')
          ? t[0] === '-'
            ? -Infinity
            : Infinity
          : Number(t);
  /** Goes back one token, so that the error points at it. */
  const badToken = (what: string): never => {
    i--;
    return bad(what);
  };
  const attr = (): Attr => {
    if (accept('[')) return list(']', attr) as unknown as Attr;
    const t = next();
    if (t.startsWith('"')) return JSON.parse(t) as string;
    if (t === 'true' || t === 'false') return t === 'true';
    const n = number(t);
    return typeof n === 'number' && Number.isNaN(n) && t !== 'nan' ? t : n;
  };
  const attrs = (): Attrs => {
    if (peek() !== '{') return {};
    next();
    return Object.fromEntries(
      list('}', () => {
        const k = next();
        expect('=');
        return [k.startsWith('"') ? (JSON.parse(k) as string) : k, attr()] as const;
      }),
    );
  };
  const integer = (): number => Math.abs(Number(next()));
  let file = '<none>';
  let name = '';
  const span = (): Loc => {
    const at = peek()?.startsWith('"') ? (JSON.parse(next()) as string) : file;
    const fn = peek(1) === '/' ? next() : name;
    accept('/');
    const line = integer();
    expect(':');
    const col = integer();
    accept('-');
    const endLine = integer();
    expect(':');
    const loc = { file: at, line, col, endLine, endCol: integer(), fn };
    return accept('<') ? { ...loc, parent: span() } : loc;
  };
  const place = (): Loc => (accept('@') ? span() : NO_LOC);
  const typedArg = (): Value => {
    const n = next();
    expect(':');
    return define(n, type());
  };

  const block = (args: readonly Value[], lookup: RowLookup | undefined): Block => {
    const ops: Op[] = [];
    while (!accept('}')) ops.push(op(lookup));
    return { args, ops };
  };
  const op = (lookup: RowLookup | undefined): Op => {
    const start = here();
    const names: string[] = [];
    if (peek()?.startsWith('%')) {
      do names.push(next());
      while (accept(','));
      expect('=');
    }
    const opName = next();
    const operands: Value[] = [];
    while (peek()?.startsWith('%')) {
      const t = next();
      operands.push(scope.get(t) ?? badToken(`${t} is not defined`));
      if (!accept(',')) break;
    }
    const a = attrs();
    const regions: Block[] = [];
    while (accept('(')) {
      const args = list(')', typedArg);
      expect('{');
      regions.push(block(args, lookup));
    }
    const types: Type[] = [];
    if (accept(':')) {
      do types.push(type());
      while (accept(','));
    }
    const loc = place();
    const inferred = opName === 'if' ? types : inferTypes(opName, operands, a, start, lookup);
    if (opName === 'constant' && types.length === 1 && a.dtype === undefined) {
      // Hand-written shorthand: the type says dtype and shape.
      const t = types[0];
      return finish(opName, operands, { ...a, dtype: String(t.elem), ...(t.shape.length ? { shape: t.shape } : {}) }, types);
    }
    return finish(opName, operands, a, inferred);

    function finish(n: string, os: readonly Value[], at: Attrs, ts: readonly Type[]): Op {
      if (types.length && (types.length !== ts.length || types.some((t, k) => !sameType(t, ts[k]))))
        fail(start, TL.irSyntax, `${n} has type (${ts.map(printType)}), but the text says (${types.map(printType)})`);
      if (names.length !== ts.length)
        fail(start, TL.irSyntax, `${n} has ${ts.length} results, but the text names ${names.length}`);
      return { name: n, operands: os, attrs: at, results: ts.map((t, k) => define(names[k], t)), regions, loc };
    }
  };

  expect('func');
  expect('@');
  name = next();
  expect('(');
  const rawParams: { value: Value; facts: Attrs; at: number }[] = [];
  list(')', () => {
    const value = typedArg();
    const facts = attrs();
    rawParams.push({ value, facts, at: i });
    if (accept('@')) skipSpan();
  });
  const level = accept('lane') ? 'lane' : 'tile';
  if (level === 'tile') accept('tile');
  const constants = accept('constants') ? (attrs() as { [k: string]: string }) : {};
  const funcAttrs = accept('attrs') ? attrs() : {};
  let loc: Loc = NO_LOC;
  if (accept('loc')) {
    file = JSON.parse(next()) as string;
    expect('@');
    loc = span();
  }
  expect('{');
  const params: Param[] = rawParams.map(({ value, facts, at }) => {
    // Spans of parameters need the file, which the text names after them.
    const back = i;
    i = at;
    const l = place();
    i = back;
    return {
      name: facts.name === undefined ? (value.name ?? '') : String(facts.name),
      value,
      divisibleBy: Number(facts.div ?? 1),
      ...(facts.buf !== undefined ? { buffer: Number(facts.buf) } : {}),
      loc: l,
    };
  });
  const body = block([], level === 'lane' ? rows?.lane : rows?.tile);
  if (i < tokens.length) bad('expected the end of the text');
  return { name, level, params, body, loc, constants, attrs: funcAttrs };

  function skipSpan(): void {
    while (peek() !== undefined && peek() !== ',' && peek() !== ')') i++;
  }
}
