// Python text → the tree of `ast.ts`, on Lezer's Python grammar: modules, functions and statements. `reading.ts` has expressions.

import type { SyntaxNode } from '@lezer/common';
import { parser } from '@lezer/python';
import type { Branch, Comment, Decorator, Expr, FunctionDef, Stmt } from './ast.ts';
import { stop, Unportable } from './errors.ts';
import { PORT } from './messages.ts';
import { ExpressionReader, kids } from './reading.ts';
import { pythonString } from './strings.ts';
import { splitTuples } from './tuples.ts';

export interface Module {
  readonly functions: readonly (FunctionDef | Unportable)[];
  /** `NAME = value` at module level, in order. */
  readonly constants: readonly {
    readonly name: string;
    readonly value: () => Expr;
    readonly from: number;
    readonly to: number;
  }[];
  readonly comments: readonly Comment[];
  /** What runs when the module is loaded, in order; read when it is asked for. */
  readonly host: readonly HostItem[];
}
/** A statement or function of the host, or the place of a kernel among them. */
export type HostItem = { readonly from: number; readonly to: number } & (
  | { readonly k: 'statements'; readonly assigns: readonly string[]; readonly read: () => readonly Stmt[] }
  | { readonly k: 'function'; readonly name: string; readonly read: () => FunctionDef }
  | { readonly k: 'kernel'; readonly name: string }
);

/** Parses a module. Functions that cannot be read are in their place as what is wrong with them. */
export function parseModule(text: string): Module {
  return new Reader(text).module();
}
/** The grammar does not know `1.`: it reads `1 `, of the same length; numbers are read from the text itself. */
const parse = (text: string) => parser.parse(text.replace(/(?<![\w.])(\d[\d_]*)\.(?![\w.])/g, '$1 '));

/** True if the whole text is Python. */
export function isPython(text: string): boolean {
  let ok = true;
  parse(text).iterate({ enter: (n) => void (ok &&= !n.type.isError) });
  return ok;
}

const JIT = /^@\s*(?:\w+\.)*jit\b/;

class Reader extends ExpressionReader {
  module(): Module {
    const tree = parse(this.source);
    const functions: (FunctionDef | Unportable)[] = [];
    const constants: Module['constants'][number][] = [];
    const comments: Comment[] = [];
    tree.iterate({ enter: (n) => void (n.name === 'Comment' && comments.push({ from: n.from, to: n.to, text: this.text(n) })) });
    const given = new Set([...this.source.matchAll(/\bjit\s*\(\s*(?:fn\s*=\s*)?(\w+)\s*[,)]/g)].map((m) => m[1]));
    const read = (def: SyntaxNode, whole: SyntaxNode, decorators: readonly SyntaxNode[]): void => {
      functions.push(this.attempt(() => this.functionDef(whole, def, decorators)));
    };
    const visit = (n: SyntaxNode, atModule: boolean): void => {
      if (n.name === 'DecoratedStatement') {
        const decorators = kids(n).filter((c) => c.name === 'Decorator');
        const def = n.getChild('FunctionDefinition');
        if (decorators.some((d) => JIT.test(this.text(d)))) {
          if (def) read(def, n, decorators);
        } else if (def) visit(def, atModule);
      } else if (n.name === 'FunctionDefinition') {
        // `k = triton.jit(k)` makes a kernel of it; others may hold some.
        if (given.has(this.text(n.getChild('VariableName')!))) read(n, n, []);
        else bodies(n, false);
      } else if (n.name === 'IfStatement' || n.name === 'TryStatement')
        this.alternatives(functions, constants, () => bodies(n, atModule));
      else if (n.name === 'ClassDefinition' || n.name === 'WithStatement') bodies(n, atModule && n.name === 'WithStatement');
      else if (n.name === 'AssignStatement' && atModule) {
        const [target] = kids(n);
        const value = kids(n).at(-1)!;
        if (target.name === 'VariableName' && value !== target)
          constants.push({ name: this.text(target), value: () => this.expr(value), from: n.from, to: n.to });
      }
    };
    const bodies = (n: SyntaxNode, atModule: boolean): void => {
      for (const body of n.getChildren('Body')) for (const s of kids(body)) visit(s, atModule);
    };
    for (const n of kids(tree.topNode)) visit(n, true);
    return { functions, constants, comments, host: kids(tree.topNode).flatMap((n) => this.host(n)) };
  }
  /** What a statement of the module is to the host. */
  private host(n: SyntaxNode): HostItem[] {
    const at = { from: n.from, to: n.to };
    const def = n.name === 'FunctionDefinition' ? n : n.getChild('FunctionDefinition');
    const decorators = n.getChildren('Decorator').map((d) => this.text(d));
    if (def && decorators.some((d) => JIT.test(d)))
      return [{ k: 'kernel', name: this.text(def.getChild('VariableName')!), ...at }];
    const kernels = this.kernelsIn(n);
    if (def) {
      if (!decorators.every((d) => /^@\s*(?:\w+\.)*(?:lru_)?cache\b/.test(d))) return kernels;
      const name = this.text(def.getChild('VariableName')!);
      return [{ k: 'function', name, read: () => this.hostFunction(def), ...at }, ...kernels];
    }
    // Branches with kernels are run one after the other: a kernel needs the names of its own.
    if (kernels.length && /^(?:If|Try|With)Statement$/.test(n.name))
      return n.getChildren('Body').flatMap((b) => kids(b).flatMap((s) => this.host(s)));
    return [{ k: 'statements', assigns: this.assigned(n), read: () => this.stmt(n), ...at }, ...kernels];
  }
  private kernelsIn(n: SyntaxNode): HostItem[] {
    const out: HostItem[] = [];
    n.cursor().iterate(({ node }) => {
      const def = node.name === 'DecoratedStatement' ? node.getChild('FunctionDefinition') : null;
      if (def && node.getChildren('Decorator').some((d) => JIT.test(this.text(d))))
        out.push({ k: 'kernel', name: this.text(def.getChild('VariableName')!), from: node.from, to: node.to });
    });
    return out;
  }
  /** Names that a statement may change, however deep in it. */
  private assigned(n: SyntaxNode): string[] {
    const out: string[] = [];
    n.cursor().iterate(({ node }) => {
      const first = node.firstChild;
      if (node.name === 'AssignStatement' || node.name === 'ForStatement') {
        const end = kids(node).findIndex((c) => c.name === 'AssignOp' || c.name === 'in');
        for (const c of kids(node).slice(0, Math.max(0, end))) if (c.name === 'VariableName') out.push(this.text(c));
      } else if (/^(?:Update|Expression)Statement|^FunctionDefinition|^ClassDefinition/.test(node.name)) {
        let base = /Definition$/.test(node.name) ? node.getChild('VariableName') : first;
        while (base?.firstChild) base = base.firstChild;
        if (base?.name === 'VariableName') out.push(this.text(base));
      }
    });
    return out;
  }
  /**
   * The branches of a conditional statement, of which Python runs one: the first that defines a name has it, but a definition with
   * inline assembly gives way to one without.
   */
  private alternatives(
    functions: (FunctionDef | Unportable)[],
    constants: Module['constants'][number][],
    read: () => void,
  ): void {
    const before = [functions.length, constants.length];
    read();
    const defs = functions.splice(before[0]);
    const rank = (f: FunctionDef | Unportable): number =>
      f instanceof Unportable ? 2 : /\binline_asm_elementwise\b/.test(this.text(f)) ? 1 : 0;
    const chosen = new Map<string, FunctionDef>();
    for (const wanted of [0, 1])
      for (const f of defs) if (!(f instanceof Unportable) && rank(f) === wanted && !chosen.has(f.name)) chosen.set(f.name, f);
    functions.push(...defs.filter((f) => f instanceof Unportable || chosen.get(f.name) === f));
    const seen = new Set<string>();
    constants.push(...constants.splice(before[1]).filter((c) => !seen.has(c.name) && seen.add(c.name)));
  }
  private attempt<T>(f: () => T): T | Unportable {
    try {
      return f();
    } catch (e) {
      if (e instanceof Unportable) return e;
      throw e;
    }
  }

  // ---- functions
  private functionDef(whole: SyntaxNode, def: SyntaxNode, decorators: readonly SyntaxNode[]): FunctionDef {
    return splitTuples(this.anyFunction(whole, def, decorators, false));
  }
  /** A function that runs on the host: with `*rest` and `**rest`. */
  private hostFunction(def: SyntaxNode): FunctionDef {
    return this.anyFunction(def, def, [], true);
  }
  private anyFunction(whole: SyntaxNode, def: SyntaxNode, decorators: readonly SyntaxNode[], rest: boolean): FunctionDef {
    def.toTree().iterate({
      enter: (e) => {
        if (!e.type.isError) return;
        const from = def.from + e.from;
        stop(
          { from, to: Math.max(from + 1, def.from + e.to) },
          PORT.syntax,
          `unexpected \`${this.source.slice(from, from + 12).split('\n')[0]}\``,
        );
      },
    });
    const name = def.getChild('VariableName')!;
    const body = def.getChild('Body')!;
    const stmts = kids(body).slice(1);
    const docNode = stmts[0]?.name === 'ExpressionStatement' && stmts[0].firstChild?.name === 'String' ? stmts.shift()! : null;
    return {
      from: whole.from,
      to: whole.to,
      name: this.text(name),
      nameAt: name,
      decorators: decorators.map((d) => this.decorator(d)),
      params: this.params(kids(def.getChild('ParamList')!).slice(1, -1), rest),
      docstring: docNode && pythonString(this.text(docNode)),
      body: stmts.flatMap((s) => this.stmt(s)),
      header: body.from + 1,
    };
  }
  /** Names and dots, then perhaps arguments. */
  private decorator(d: SyntaxNode): Decorator {
    let name: Expr | null = null;
    let list: SyntaxNode | null = null;
    for (const p of kids(d).slice(1)) {
      if (p.name === 'ArgList') list = p;
      else if (p.name !== '.')
        name = name
          ? { k: 'attribute', x: name, name: this.text(p), from: name.from, to: p.to }
          : { k: 'name', name: this.text(p), from: p.from, to: p.to };
    }
    return { name: name!, args: list && (() => this.args(list)), from: d.from, to: d.from + this.text(d).trimEnd().length };
  }

  // ---- statements
  private block(n: SyntaxNode): Stmt[] {
    return kids(n)
      .slice(1)
      .flatMap((s) => this.stmt(s));
  }
  private stmt(n: SyntaxNode): Stmt[] {
    const read = this.statements[n.name];
    return read ? read(n) : this.refuse(n, `\`${this.text(n).split(/[\s:(]/)[0]}\` (${n.name})`);
  }
  private readonly statements: { readonly [name: string]: (n: SyntaxNode) => Stmt[] } = {
    StatementGroup: (n) => kids(n).flatMap((c) => (c.name === ';' ? [] : this.stmt(c))),
    PassStatement: (n) => [{ k: 'pass', ...this.at(n) }],
    ExpressionStatement: (n) => [{ k: 'expression', value: this.list(kids(n)), ...this.at(n) }],
    ReturnStatement: (n) => {
      const rest = kids(n).slice(1);
      return [{ k: 'return', value: rest.length ? this.list(rest) : null, ...this.at(n) }];
    },
    AssertStatement: (n) => {
      const [, test, , text] = kids(n);
      return [{ k: 'assert', test: this.expr(test), message: text ? this.expr(text) : null, ...this.at(n) }];
    },
    AssignStatement: (n) => {
      const nodes = kids(n);
      const type = nodes.find((c) => c.name === 'TypeDef');
      const parts: SyntaxNode[][] = [[]];
      for (const c of nodes) {
        if (c.name === 'AssignOp') parts.push([]);
        else if (c !== type) parts.at(-1)!.push(c);
      }
      if (parts.length < 2) return []; // an annotation without a value
      const values = parts.map((p) => this.list(p));
      return [
        {
          k: 'assign',
          targets: values.slice(0, -1),
          value: values.at(-1)!,
          annotation: type ? this.expr(kids(type)[1]) : null,
          ...this.at(n),
        },
      ];
    },
    UpdateStatement: (n) => {
      const nodes = kids(n);
      const op = nodes.findIndex((c) => c.name === 'UpdateOp');
      const target = this.expr(nodes[0]);
      return [
        { k: 'update', target, op: this.text(nodes[op]).slice(0, -1), value: this.list(nodes.slice(op + 1)), ...this.at(n) },
      ];
    },
    IfStatement: (n) => {
      const branches: Branch[] = [];
      let test: SyntaxNode | null = null;
      for (const c of kids(n)) {
        if (c.name === 'Body') {
          branches.push({ test: test && this.expr(test), body: this.block(c), header: c.from + 1 });
          test = null;
        } else if (!['if', 'elif', 'else'].includes(c.name)) test = c;
      }
      return [{ k: 'if', branches, ...this.at(n) }];
    },
    WhileStatement: (n) => {
      const [, test, body, otherwise] = kids(n);
      if (otherwise) this.refuse({ from: n.from, to: body.from }, '`else` of a loop', 'write what follows the loop behind it');
      return [{ k: 'while', test: this.expr(test), body: this.block(body), header: body.from + 1, ...this.at(n) }];
    },
    ForStatement: (n) => {
      const nodes = kids(n).slice(1);
      const split = nodes.findIndex((c) => c.name === 'in');
      const body = nodes.findIndex((c) => c.name === 'Body');
      if (nodes[body + 1])
        this.refuse({ from: n.from, to: nodes[body].from }, '`else` of a loop', 'write what follows the loop behind it');
      const [target, iter] = [this.list(nodes.slice(0, split)), this.list(nodes.slice(split + 1, body))];
      return [{ k: 'for', target, iter, body: this.block(nodes[body]), header: nodes[body].from + 1, ...this.at(n) }];
    },
    BreakStatement: (n) => this.refuse(n, '`break`', 'end the loop by its condition, or guard the rest of the body with `if`'),
    ContinueStatement: (n) => this.refuse(n, '`continue`', 'guard the rest of the body with `if`'),
  };
}
