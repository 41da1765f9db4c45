// What the type checker and the comments say of `tl`: signatures, options, documentation. In: the sources. Out: plain data.

import { fileURLToPath } from 'node:url';
import { type InterfaceDeclaration, Node, Project, type Symbol as TsSymbol, type Type, ts } from 'ts-morph';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface OptionDoc {
  readonly name: string;
  readonly type: string;
  readonly doc: string;
}
export interface FunctionDoc {
  readonly name: string;
  /** Name of the file under src/dsl/ that declares it: its chapter. */
  readonly file: string;
  /** One for each overload, without `tl.` and the name: `(x: number): number`. */
  readonly signatures: readonly string[];
  readonly doc: string;
  readonly differs: string;
  readonly cost: string;
  readonly options: readonly OptionDoc[];
}

const FORMAT = ts.TypeFormatFlags.NoTruncation | ts.TypeFormatFlags.UseAliasDefinedOutsideCurrentScope;
const oneLine = (s: string): string => s.replace(/\s*\n\s*/g, ' ').trim();
const docOf = (s: TsSymbol): string => oneLine(ts.displayPartsToString(s.compilerSymbol.getDocumentationComment(undefined)));
const tag = (s: TsSymbol, name: string): string =>
  oneLine(
    s
      .getJsDocTags()
      .filter((t) => t.getName() === name)
      .map((t) => ts.displayPartsToString(t.getText()))
      .join(' '),
  );

/** Functions of `tl`, in the order of their declaration. */
export function functionsOfTl(): FunctionDoc[] {
  const project = new Project({ tsConfigFilePath: `${ROOT}tsconfig.json`, skipAddingFilesFromTsConfig: true });
  const file = project.addSourceFileAtPath(`${ROOT}src/dsl/tl.ts`);
  const tl = file.getVariableDeclarationOrThrow('tl');
  const text = (t: Type): string => t.getText(tl, FORMAT).replace(/import\("[^"]*"\)\./g, '');
  const out: FunctionDoc[] = [];
  for (const symbol of tl.getType().getProperties()) {
    const type = symbol.getTypeAtLocation(tl);
    const calls = type.getCallSignatures();
    if (!calls.length) continue;
    const declaration = symbol.getDeclarations()[0];
    const options = new Map<string, OptionDoc>();
    const signatures = calls.map((c) => {
      const params = c.getParameters().map((p) => {
        const t = p.getTypeAtLocation(tl);
        for (const part of partsOf(t)) for (const o of optionsOf(part, tl, text)) options.set(o.name, o);
        const d = p.getDeclarations()[0];
        const optional = Node.isParameterDeclaration(d) && (d.isOptional() || d.hasInitializer());
        const rest = Node.isParameterDeclaration(d) && d.isRestParameter();
        const shown = optional ? t.getNonNullableType() : t;
        return `${rest ? '...' : ''}${p.getName().replace(/^_/, '')}${optional && !rest ? '?' : ''}: ${text(optional && !t.isNullable() ? shown : t).replace(/ \| undefined\b/, '')}`;
      });
      const generics = c.getTypeParameters().map((g) => g.getText());
      return `${generics.length ? `<${generics.join(', ')}>` : ''}(${params.join(', ')}): ${text(c.getReturnType())}`;
    });
    out.push({
      name: symbol.getName(),
      file: declaration?.getSourceFile().getBaseNameWithoutExtension() ?? 'tl',
      signatures: [...new Set(signatures)],
      doc: docOf(symbol),
      differs: tag(symbol, 'differs'),
      cost: tag(symbol, 'cost'),
      options: [...options.values()],
    });
  }
  return out;
}

/** A type and what it is made of: alternatives, elements of lists (options that stand behind any number of operands), intersections. */
function partsOf(t: Type): Type[] {
  if (t.isUnion()) return t.getUnionTypes().flatMap(partsOf);
  if (t.isIntersection()) return t.getIntersectionTypes().flatMap(partsOf);
  if (t.isTuple()) return t.getTupleElements().flatMap(partsOf);
  if (t.isArray() || t.isReadonlyArray()) return partsOf(t.getArrayElementTypeOrThrow());
  return [t];
}

/** Methods and attributes of a class of `tl`'s values, with their signatures, as `desc.load(…)`. */
export function membersOf(file: string, name: string): { readonly signature: string; readonly doc: string }[] {
  const project = new Project({ tsConfigFilePath: `${ROOT}tsconfig.json`, skipAddingFilesFromTsConfig: true });
  const type = project.addSourceFileAtPath(`${ROOT}src/dsl/ops/${file}.ts`).getClassOrThrow(name);
  return type.getInstanceMembers().flatMap((m) => {
    const doc = Node.isJSDocable(m)
      ? oneLine(
          m
            .getJsDocs()
            .map((d) => d.getDescription())
            .join(' '),
        )
      : '';
    if (!doc || m.getName().startsWith('[')) return [];
    const params = Node.isMethodDeclaration(m)
      ? `(${m
          .getParameters()
          .map((p) => p.getText())
          .join(', ')})`
      : '';
    return [{ signature: `${m.getName()}${params}`, doc }];
  });
}

/** Members of an interface of options. */
function optionsOf(t: Type, at: Node, text: (t: Type) => string): OptionDoc[] {
  const declared = t.getSymbol()?.getDeclarations() ?? [];
  const own = declared.find(
    (d): d is InterfaceDeclaration => Node.isInterfaceDeclaration(d) && /(Options|KeepDims)$/.test(d.getName()),
  );
  if (!own) return [];
  return t.getProperties().map((p) => ({
    name: p.getName(),
    type: text(p.getTypeAtLocation(at)).replace(/ \| undefined\b/, ''),
    doc: docOf(p),
  }));
}
