// Expressions: Lezer's nodes → the tree of `ast.ts`. Operators are put together by Python's own precedences, from the flat row of
// operands and operators that the grammar gives.

import type { SyntaxNode } from '@lezer/common';
import type { Arg, Clause, Expr, Param } from './ast.ts';
import { refuse } from './errors.ts';
import { isOp, Operators, type Token } from './operators.ts';
import { pythonString } from './strings.ts';

export const kids = (n: SyntaxNode): SyntaxNode[] => {
  const out: SyntaxNode[] = [];
  for (let c = n.firstChild; c; c = c.nextSibling) if (c.name !== 'Comment') out.push(c);
  return out;
};
const FLAT = new Set(['BinaryExpression', 'UnaryExpression', 'ConditionalExpression']);
const PLAIN_HELP = 'write it with assignments, `if`, `for` and `while`';

export class ExpressionReader {
  protected readonly source: string;
  constructor(source: string) {
    this.source = source;
  }
  protected text(n: { readonly from: number; readonly to: number }): string {
    return this.source.slice(n.from, n.to);
  }
  protected refuse(n: { readonly from: number; readonly to: number }, what: string, help = PLAIN_HELP): never {
    return refuse(n, what, help);
  }
  /** Where a node stands; blocks end behind their last statement, not behind the line break. */
  protected readonly at = (n: SyntaxNode) => ({ from: n.from, to: n.from + this.text(n).trimEnd().length });

  /** One expression, or several with commas between: a tuple. */
  protected list(nodes: readonly SyntaxNode[]): Expr {
    if (nodes.length === 1) return this.expr(nodes[0]);
    const items = nodes.filter((n) => n.name !== ',').map((n) => this.expr(n));
    return { k: 'tuple', items, from: nodes[0].from, to: nodes.at(-1)!.to };
  }
  protected expr(n: SyntaxNode): Expr {
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
    SetExpression: (n) => ({ ...this.sequence(n), set: true }) as Expr,
    MemberExpression: (n) => {
      const [x, , name] = kids(n);
      if (kids(n)[1].name === '.') return { k: 'attribute', x: this.expr(x), name: this.text(name), ...this.at(n) };
      return { k: 'index', x: this.expr(x), items: this.subscripts(kids(n).slice(2, -1)), ...this.at(n) };
    },
    CallExpression: (n) => {
      const [fn, args] = kids(n);
      return { k: 'call', fn: this.expr(fn), args: this.args(args), ...this.at(n) };
    },
    LambdaExpression: (n) => {
      const nodes = kids(n);
      const list = nodes.find((c) => c.name === 'ParamList');
      const body = nodes.at(-1)!;
      return { k: 'lambda', params: list ? this.params(kids(list), true) : [], body: this.expr(body), ...this.at(n) };
    },
    DictionaryExpression: (n) => {
      const nodes = kids(n).slice(1, -1);
      const items: { key: Expr | null; value: Expr }[] = [];
      for (let i = 0; i < nodes.length; i++) {
        if (nodes[i].name === ',') continue;
        if (nodes[i].name === '**') items.push({ key: null, value: this.expr(nodes[++i]) });
        else {
          items.push({ key: this.expr(nodes[i]), value: this.expr(nodes[i + 2]) });
          i += 2;
        }
      }
      return { k: 'dict', items, ...this.at(n) };
    },
    ArrayComprehensionExpression: (n) => this.comprehension(n, kids(n).slice(1, -1)),
    ComprehensionExpression: (n) => this.comprehension(n, kids(n).slice(1, -1)),
    DictionaryComprehensionExpression: (n) => {
      const [key, , ...rest] = kids(n).slice(1, -1);
      return this.comprehension(n, rest, key);
    },
  };
  /** `element for target in iter if test …`, without its brackets. */
  private comprehension(n: SyntaxNode, nodes: readonly SyntaxNode[], key: SyntaxNode | null = null): Expr {
    const clauses: Clause[] = [];
    for (let i = 1; i < nodes.length; ) {
      const end = nodes.findIndex((c, at) => at > i && (c.name === 'for' || c.name === 'if'));
      const part = nodes.slice(i + 1, end < 0 ? undefined : end);
      const split = part.findIndex((c) => c.name === 'in');
      if (nodes[i].name === 'for' && split > 0)
        clauses.push({ target: this.list(part.slice(0, split)), iter: this.list(part.slice(split + 1)) });
      else if (nodes[i].name === 'if' && part.length === 1) clauses.push({ target: null, test: this.expr(part[0]) });
      else this.refuse(n, 'this comprehension');
      i = end < 0 ? nodes.length : end;
    }
    return { k: 'comprehension', key: key && this.expr(key), element: this.expr(nodes[0]), clauses, ...this.at(n) };
  }
  /** Parameters of a function or lambda, without brackets. `*rest` and `**rest` are under that name where they are allowed. */
  protected params(nodes: readonly SyntaxNode[], rest = false): Param[] {
    const out: Param[] = [];
    for (let i = 0; i < nodes.length; i++) {
      const n = nodes[i];
      if (n.name === ',' || n.name === '/' || (n.name === '*' && nodes[i + 1]?.name === ',')) continue;
      if (rest && (n.name === '*' || n.name === '**')) {
        const name = nodes[++i];
        out.push({ name: n.name + this.text(name), annotation: null, value: null, from: n.from, to: name.to });
        if (nodes[i + 1]?.name === 'TypeDef') i++;
        continue;
      }
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
  protected args(n: SyntaxNode): Arg[] {
    const nodes = kids(n).slice(1, -1);
    const out: Arg[] = [];
    for (let i = 0; i < nodes.length; i++) {
      const c = nodes[i];
      if (c.name === ',') continue;
      if (nodes[i + 1]?.name === 'for') {
        const value = this.comprehension(n, nodes.slice(i));
        return [...out, { name: null, value, from: c.from, to: value.to }];
      }
      if (c.name === '*' || c.name === '**') {
        const value = this.expr(nodes[++i]);
        out.push({ name: c.name, value, from: c.from, to: value.to });
        continue;
      }
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
