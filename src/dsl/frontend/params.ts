// What the parameter list of a kernel says of each argument: `tl.ptr<tl.f32>`, `tl.i32`, `tl.constexpr`, `| null`, defaults.
// Types are read as syntax: an object type in place, or an interface or alias of the same file; what cannot be read so is
// kind 'any' and follows from the launch arguments. No type checker.

import type { Message } from '../diagnostics.ts';
import type { ParamInfo, Span } from '../trace/definition.ts';
import type { DTypeName } from '../types.ts';
import { MSG } from './messages.ts';
import { ts } from './project.ts';

type Kind = ParamInfo['kind'];
type Report = <A extends unknown[]>(node: ts.Node, m: Message<A>, ...args: A) => void;
type TypeDecl = ts.InterfaceDeclaration | ts.TypeAliasDeclaration;

/** Type names of the language to dtypes: our spelling and Triton's. */
const DTYPE_NAMES: { readonly [name: string]: DTypeName } = Object.freeze({
  ...Object.fromEntries(
    ['bool', 'i8', 'i16', 'i32', 'i64', 'u8', 'u16', 'u32', 'u64', 'f16', 'bf16', 'f32', 'f64', 'fp8e4nv', 'fp8e5'].map((n) => [
      n,
      n,
    ]),
  ),
  int1: 'bool',
  ...Object.fromEntries(
    [8, 16, 32, 64].flatMap((b) => [
      [`int${b}`, `i${b}`],
      [`uint${b}`, `u${b}`],
    ]),
  ),
  float16: 'f16',
  bfloat16: 'bf16',
  float32: 'f32',
  float64: 'f64',
  float8e4nv: 'fp8e4nv',
  float8e5: 'fp8e5',
});

interface TypeFacts {
  kind: Kind;
  dtype?: DTypeName;
  optional: boolean;
  /** Of kind 'tuple': its parts with what stands behind the whole's name to name them, or what each of a list is. */
  parts?: readonly (readonly [path: string, facts: TypeFacts])[];
  keys?: readonly string[];
  each?: TypeFacts;
}

/** Parameters of `kernel(function name({ … }: { … }) …)`. Reports shapes that a kernel cannot have. */
export function kernelParams(fn: ts.FunctionLikeDeclaration, spanOf: (n: ts.Node) => Span, report: Report): ParamInfo[] {
  if (fn.parameters.length === 0) return [];
  const [param, second] = fn.parameters;
  if (second) report(second, MSG.kernelParameter, `${fn.parameters.length} parameters`);
  else if (!ts.isObjectBindingPattern(param.name)) report(param, MSG.kernelParameter, `\`${param.name.getText()}\``);
  else if (param.initializer) report(param.initializer, MSG.kernelParameter, 'a default for the whole object');
  if (second || !ts.isObjectBindingPattern(param.name)) return [];
  const types = param.type ? members(param.type) : new Map<string, ts.PropertySignature>();
  const out: ParamInfo[] = [];
  for (const e of param.name.elements) {
    if (e.dotDotDotToken) report(e, MSG.parameterPattern, `\`${e.getText()}\``);
    else if (!ts.isIdentifier(e.name)) report(e, MSG.parameterPattern, `the pattern \`${e.getText()}\``);
    else if (e.propertyName && ts.isComputedPropertyName(e.propertyName)) report(e, MSG.parameterPattern, `\`${e.getText()}\``);
    else {
      const name = e.propertyName ? (e.propertyName as ts.Identifier | ts.StringLiteral).text : e.name.text;
      const member = types.get(name);
      const facts = member?.type ? typeFacts(member.type) : { kind: 'any' as const, optional: false };
      if (member?.questionToken) facts.optional = true;
      out.push(paramOf(name, facts, !!e.initializer, spanOf(e)));
    }
  }
  return out;
}

function paramOf(name: string, { parts, keys, each, ...facts }: TypeFacts, hasDefault: boolean, loc: Span): ParamInfo {
  return {
    name,
    ...facts,
    ...(parts && { parts: parts.map(([path, f]) => paramOf(name + path, f, false, loc)) }),
    ...(keys && { keys }),
    ...(each && { each: paramOf(`${name}[]`, each, false, loc) }),
    hasDefault,
    loc,
  };
}

/** Parameters of `tl.fn(function name(x, y = 3) …)`: positional, of any type. */
export function fnParams(fn: ts.FunctionLikeDeclaration, spanOf: (n: ts.Node) => Span): ParamInfo[] {
  return fn.parameters.map((p, i) => ({
    name: ts.isIdentifier(p.name) ? p.name.text : `arg${i}`,
    kind: 'any',
    optional: !!p.questionToken,
    ...(p.dotDotDotToken && { rest: true }),
    hasDefault: !!p.initializer,
    loc: spanOf(p),
  }));
}

/** Property signatures of an object type: in place, through names of this file, `extends` and `&`. */
function members(type: ts.TypeNode, depth = 0): Map<string, ts.PropertySignature> {
  const out = new Map<string, ts.PropertySignature>();
  const addAll = (list: ts.NodeArray<ts.TypeElement>) => {
    for (const m of list)
      if (ts.isPropertySignature(m) && (ts.isIdentifier(m.name) || ts.isStringLiteral(m.name))) out.set(m.name.text, m);
  };
  const merge = (t: ts.TypeNode) => {
    for (const [k, v] of members(t, depth + 1)) out.set(k, v);
  };
  if (depth > 20) return out; // an alias that refers to itself
  if (ts.isParenthesizedTypeNode(type)) return members(type.type, depth);
  if (ts.isTypeLiteralNode(type)) addAll(type.members);
  else if (ts.isIntersectionTypeNode(type)) type.types.forEach(merge);
  else if (ts.isTypeReferenceNode(type) && ts.isIdentifier(type.typeName)) {
    const [inner, names] = type.typeArguments ?? [];
    if (inner && type.typeName.text === 'Readonly') return members(inner, depth + 1);
    if (inner && names && (type.typeName.text === 'Pick' || type.typeName.text === 'Omit')) {
      const listed = new Set(literals(names));
      const keep = (name: string) => listed.has(name) === (type.typeName.getText() === 'Pick');
      return new Map([...members(inner, depth + 1)].filter(([name]) => keep(name)));
    }
    const decl = typeDecl(type, type.typeName.text);
    if (decl && ts.isTypeAliasDeclaration(decl)) merge(decl.type);
    else if (decl) {
      for (const h of decl.heritageClauses ?? [])
        for (const t of h.types)
          if (ts.isIdentifier(t.expression)) {
            const base = typeDecl(type, t.expression.text);
            if (base && ts.isInterfaceDeclaration(base)) for (const m of base.members) addAll(ts.factory.createNodeArray([m]));
          }
      addAll(decl.members);
    }
  }
  return out;
}

/** The strings of `'a' | 'b'`. */
const literals = (type: ts.TypeNode): string[] =>
  ts.isUnionTypeNode(type)
    ? type.types.flatMap(literals)
    : ts.isLiteralTypeNode(type) && ts.isStringLiteral(type.literal)
      ? [type.literal.text]
      : [];

/** The interface or alias `name` visible at `at`, in this file. */
function typeDecl(at: ts.Node, name: string): TypeDecl | undefined {
  for (let n: ts.Node | undefined = at; n; n = n.parent) {
    if (!ts.isSourceFile(n) && !ts.isBlock(n)) continue;
    for (const s of n.statements)
      if ((ts.isInterfaceDeclaration(s) || ts.isTypeAliasDeclaration(s)) && s.name.text === name) return s;
  }
  return undefined;
}

function typeFacts(type: ts.TypeNode, depth = 0): TypeFacts {
  const any: TypeFacts = { kind: 'any', optional: false };
  if (depth > 20) return any;
  if (ts.isParenthesizedTypeNode(type)) return typeFacts(type.type, depth);
  if (ts.isUnionTypeNode(type)) return unionFacts(type, depth);
  if (ts.isTypeOperatorNode(type)) return typeFacts(type.type, depth); // readonly
  if (ts.isTupleTypeNode(type)) return tupleFacts(type, depth);
  if (ts.isArrayTypeNode(type)) return listFacts(type.elementType, depth);
  if (ts.isTypeLiteralNode(type)) return objectFacts(type, depth);
  if (!ts.isTypeReferenceNode(type)) return any;
  const name = ts.isQualifiedName(type.typeName) ? type.typeName.right.text : type.typeName.text;
  const arg = type.typeArguments?.[0];
  const local = ts.isIdentifier(type.typeName) ? typeDecl(type, name) : undefined;
  if (local) return ts.isTypeAliasDeclaration(local) ? typeFacts(local.type, depth + 1) : objectFacts(type, depth);
  if (arg && name === 'optional') return { ...typeFacts(arg, depth + 1), optional: true };
  if (arg && (name === 'Array' || name === 'ReadonlyArray')) return listFacts(arg, depth);
  if (name === 'ptr' || name === 'constexpr') {
    const dtype = arg && typeFacts(arg, depth + 1).dtype;
    return { kind: name === 'ptr' ? 'ptr' : 'constexpr', ...(dtype && { dtype }), optional: false };
  }
  const dtype = Object.hasOwn(DTYPE_NAMES, name) ? DTYPE_NAMES[name] : undefined;
  return dtype ? { kind: 'scalar', dtype, optional: false } : any;
}

/** Parts that say something make a tuple of it; a structure of plain types is one argument, a compile-time value. */
const speaks = (f: TypeFacts): boolean => f.kind !== 'any';

/** `readonly [tl.ptr<tl.f32>, tl.i32]`, with names or without. */
function tupleFacts(type: ts.TupleTypeNode, depth: number): TypeFacts {
  const parts = type.elements.map((e, i) => {
    const facts = typeFacts(ts.isNamedTupleMember(e) || ts.isOptionalTypeNode(e) ? e.type : (e as ts.TypeNode), depth + 1);
    const optional = ts.isOptionalTypeNode(e) || (ts.isNamedTupleMember(e) && !!e.questionToken);
    return [`[${i}]`, optional ? { ...facts, optional } : facts] as const;
  });
  const plain = type.elements.some((e) => ts.isRestTypeNode(e)) || !parts.some(([, f]) => speaks(f));
  return plain ? { kind: 'any', optional: false } : { kind: 'tuple', optional: false, parts };
}
function listFacts(element: ts.TypeNode, depth: number): TypeFacts {
  const each = typeFacts(element, depth + 1);
  return speaks(each) ? { kind: 'tuple', optional: false, each } : { kind: 'any', optional: false };
}
function objectFacts(type: ts.TypeNode, depth: number): TypeFacts {
  const found = [...members(type)];
  const parts = found.map(([name, m]) => {
    const facts: TypeFacts = m.type ? typeFacts(m.type, depth + 1) : { kind: 'any', optional: false };
    return [`.${name}`, m.questionToken ? { ...facts, optional: true } : facts] as const;
  });
  if (!parts.some(([, f]) => speaks(f))) return { kind: 'any', optional: false };
  return { kind: 'tuple', optional: false, parts, keys: found.map(([name]) => name) };
}

/** `T | null`, `tl.ptr<A> | tl.ptr<B>`: kinds must agree, dtypes that differ become "any". */
function unionFacts(type: ts.UnionTypeNode, depth: number): TypeFacts {
  const isNull = (t: ts.TypeNode) =>
    t.kind === ts.SyntaxKind.UndefinedKeyword || (ts.isLiteralTypeNode(t) && t.literal.kind === ts.SyntaxKind.NullKeyword);
  const rest = type.types.filter((t) => !isNull(t)).map((t) => typeFacts(t, depth + 1));
  const optional = rest.length < type.types.length || rest.some((f) => f.optional);
  if (rest.length === 1) return { ...rest[0], optional };
  const kinds = new Set(rest.map((f) => f.kind));
  const dtypes = new Set(rest.map((f) => f.dtype));
  const kind = kinds.size === 1 && rest[0].kind !== 'tuple' ? rest[0].kind : 'any';
  const dtype = kind !== 'any' && dtypes.size === 1 ? rest[0].dtype : undefined;
  return { kind, ...(dtype && { dtype }), optional };
}
