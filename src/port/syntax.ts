// Python text → the tree of `ast.ts`, on Lezer's Python grammar. Operators are put together here by Python's own precedences,
// from the flat row of operands and operators that the grammar gives.

import type { SyntaxNode } from '@lezer/common';
import { parser } from '@lezer/python';
import type { Arg, Branch, Comment, Expr, FunctionDef, Param, Stmt } from './ast.ts';
import { refuse, stop, Unportable } from './errors.ts';
import { PORT } from './messages.ts';
import { isOp, Operators, type Token } from './operators.ts';
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
}

const kids = (n: SyntaxNode): SyntaxNode[] => {
  const out: SyntaxNode[] = [];
  for (let c = n.firstChild; c; c = c.nextSibling) if (c.name !== 'Comment') out.push(c);
  return out;
};
const FLAT = new Set(['BinaryExpression', 'UnaryExpression', 'ConditionalExpression']);
const PLAIN_HELP = 'write it with assignments, `if`, `for` and `while`';

/** Parses a module. Functions that cannot be read are in their place as what is wrong with them. */
export function parseModule(text: string): Module {
  return new Reader(text).module();
}
/** The grammar does not know `1.`: it reads `1 `, of the same length; `Number` below looks at the text itself. */
const parse = (text: string) => parser.parse(text.replace(/(?<![\w.])(\d[\d_]*)\.(?![\w.])/g, '$1 '));

/** True if the whole text is Python. */
export function isPython(text: string): boolean {
  let ok = true;
  parse(text).iterate({ enter: (n) => void (ok &&= !n.type.isError) });
  return ok;
}

class Reader {
  private readonly source: string;
  constructor(source: string) {
    this.source = source;
  }
  private text(n: { readonly from: number; readonly to: number }): string {
    return this.source.slice(n.from, n.to);
  }
  private refuse(n: { readonly from: number; readonly to: number }, what: string, help = PLAIN_HELP): never {
    return refuse(n, what, help);
  }

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
        if (decorators.some((d) => /^@\s*(?:\w+\.)*jit\b/.test(this.text(d)))) {
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
    return { functions, constants, comments };
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
    return splitTuples({
      from: whole.from,
      to: whole.to,
      name: this.text(name),
      nameAt: name,
      decorators: decorators.map((d) => this.dotted(kids(d).slice(1), d)),
      params: this.params(def.getChild('ParamList')!),
      docstring: docNode && pythonString(this.text(docNode)),
      body: stmts.flatMap((s) => this.stmt(s)),
      header: body.from + 1,
    });
  }
  /** A decorator's children: names and dots, then perhaps arguments. */
  private dotted(parts: readonly SyntaxNode[], at: SyntaxNode): Expr {
    let e: Expr | null = null;
    for (const p of parts) {
      if (p.name === 'ArgList') e = { k: 'call', fn: e!, args: [], from: at.from, to: at.to };
      else if (p.name !== '.')
        e = e
          ? { k: 'attribute', x: e, name: this.text(p), from: at.from, to: p.to }
          : { k: 'name', name: this.text(p), from: p.from, to: p.to };
    }
    return e!;
  }
  private params(list: SyntaxNode): Param[] {
    const out: Param[] = [];
    const nodes = kids(list).slice(1, -1);
    for (let i = 0; i < nodes.length; i++) {
      const n = nodes[i];
      if (n.name === ',' || n.name === '/' || (n.name === '*' && nodes[i + 1]?.name === ',')) continue;
      if (n.name !== 'VariableName') this.refuse(n, `the parameter \`${this.text(n)}…\``, 'list every parameter by name');
      let annotation: Expr | null = null;
      let value: Expr | null = null;
      let to = n.to;
      if (nodes[i + 1]?.name === 'TypeDef') {
        annotation = this.expr(kids(nodes[++i])[1]);
        to = nodes[i].to;
      }
      if (nodes[i + 1]?.name === 'AssignOp') {
        value = this.expr(nodes[i + 2]);
        to = nodes[i + 2].to;
        i += 2;
      }
      out.push({ name: this.text(n), annotation, value, from: n.from, to });
    }
    return out;
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
  /** Where a node stands; blocks end behind their last statement, not behind the line break. */
  private readonly at = (n: SyntaxNode) => ({ from: n.from, to: n.from + this.text(n).trimEnd().length });
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

  // ---- expressions
  /** One expression, or several with commas between: a tuple. */
  private list(nodes: readonly SyntaxNode[]): Expr {
    if (nodes.length === 1) return this.expr(nodes[0]);
    const items = nodes.filter((n) => n.name !== ',').map((n) => this.expr(n));
    return { k: 'tuple', items, from: nodes[0].from, to: nodes.at(-1)!.to };
  }
  private expr(n: SyntaxNode): Expr {
    if (FLAT.has(n.name)) return new Operators(this.tokens(n), (t) => this.refuse(t, `\`${this.text(t)}\``)).parse();
    const read = this.atoms[n.name];
    return read ? read(n) : this.refuse(n, `\`${this.text(n).split('\n')[0]}\` (${n.name})`);
  }
  /** The row of operands and operators under a node that is no parenthesis. */
  private tokens(n: SyntaxNode): Token[] {
    const out: Token[] = [];
    for (const c of kids(n)) {
      if (FLAT.has(c.name)) out.push(...this.tokens(c));
      else if (/^(?:\w*Op|not|and|or|in|is|if|else|\W+)$/.test(c.name)) {
        const last = out.at(-1);
        const text = this.text(c);
        if (isOp(last) && ((last.op === 'is' && text === 'not') || (last.op === 'not' && text === 'in')))
          out[out.length - 1] = { op: `${last.op} ${text}`, from: last.from, to: c.to };
        else out.push({ op: text, from: c.from, to: c.to });
      } else out.push(this.expr(c));
    }
    return out;
  }
  private readonly atoms: { readonly [name: string]: (n: SyntaxNode) => Expr } = {
    VariableName: (n) => ({ k: 'name', name: this.text(n), ...this.at(n) }),
    Number: (n) => {
      const to = n.to + (this.source[n.to] === '.' ? 1 : 0);
      return { k: 'number', text: this.source.slice(n.from, to), from: n.from, to };
    },
    String: (n) => ({ k: 'string', value: pythonString(this.text(n)), ...this.at(n) }),
    ContinuedString: (n) => {
      const parts = kids(n).map((c) => this.expr(c));
      if (parts.every((p) => p.k === 'string')) return { k: 'string', value: parts.map((p) => p.value).join(''), ...this.at(n) };
      return {
        k: 'format',
        parts: parts.flatMap((p) => (p.k === 'format' ? p.parts : p.k === 'string' ? [p.value] : [p])),
        ...this.at(n),
      };
    },
    FormatString: (n) => this.format(n),
    Boolean: (n) => ({ k: 'constant', value: this.text(n) === 'True', ...this.at(n) }),
    None: (n) => ({ k: 'constant', value: null, ...this.at(n) }),
    ParenthesizedExpression: (n) => ({ ...this.expr(kids(n)[1]), ...this.at(n) }),
    TupleExpression: (n) => this.sequence(n),
    ArrayExpression: (n) => this.sequence(n),
    MemberExpression: (n) => {
      const [x, , name] = kids(n);
      if (kids(n)[1].name === '.') return { k: 'attribute', x: this.expr(x), name: this.text(name), ...this.at(n) };
      return { k: 'index', x: this.expr(x), items: this.subscripts(kids(n).slice(2, -1)), ...this.at(n) };
    },
    CallExpression: (n) => {
      const [fn, args] = kids(n);
      return { k: 'call', fn: this.expr(fn), args: this.args(args), ...this.at(n) };
    },
    LambdaExpression: (n) => this.refuse(n, 'a lambda', 'write a `@triton.jit` function'),
  };
  private sequence(n: SyntaxNode): Expr {
    const items = kids(n)
      .slice(1, -1)
      .filter((c) => c.name !== ',')
      .map((c) => this.expr(c));
    return { k: 'tuple', items, ...this.at(n) };
  }
  private subscripts(nodes: readonly SyntaxNode[]): (Expr | null)[] {
    const groups: SyntaxNode[][] = [[]];
    for (const n of nodes) {
      if (n.name === ',') groups.push([]);
      else groups.at(-1)!.push(n);
    }
    return groups
      .filter((g) => g.length)
      .map((g) => {
        if (g.length === 1) return g[0].name === ':' ? null : this.expr(g[0]);
        return this.refuse(
          { from: g[0].from, to: g.at(-1)!.to },
          'a slice with bounds',
          'Triton has no slices of tiles; use `:`, `None` or a constant',
        );
      });
  }
  private args(n: SyntaxNode): Arg[] {
    const nodes = kids(n).slice(1, -1);
    const out: Arg[] = [];
    for (let i = 0; i < nodes.length; i++) {
      const c = nodes[i];
      if (c.name === ',') continue;
      if (c.name === '*' || c.name === '**')
        this.refuse({ from: c.from, to: nodes[i + 1].to }, 'an argument list in a variable', 'write the arguments out');
      if (nodes[i + 1]?.name === 'AssignOp') {
        out.push({ name: this.text(c), value: this.expr(nodes[i + 2]), from: c.from, to: nodes[i + 2].to });
        i += 2;
      } else out.push({ name: null, value: this.expr(c), from: c.from, to: c.to });
    }
    return out;
  }
  /** `f"a {x} b"`: texts and expressions. Formats behind `:` are dropped: a compile-time print shows types and numbers. */
  private format(n: SyntaxNode): Expr {
    const text = this.text(n);
    const open = /^[a-zA-Z]*('''|"""|'|")/.exec(text)!;
    const parts: (string | Expr)[] = [];
    let pos = n.from + open[0].length;
    const put = (to: number) => {
      if (to > pos) parts.push(pythonString(`'''${this.source.slice(pos, to).replaceAll('{{', '{').replaceAll('}}', '}')}'''`));
    };
    for (const c of kids(n)) {
      if (c.name !== 'FormatReplacement') continue;
      put(c.from);
      parts.push(this.expr(kids(c)[1]));
      pos = c.to;
    }
    put(n.to - open[1].length);
    return { k: 'format', parts, ...this.at(n) };
  }
}
