// Operators of Python: a row of operands and operators, as the grammar gives it, put together by Python's own precedences.

import type { Expr } from './ast.ts';

const COMPARISONS = new Set(['<', '<=', '>', '>=', '==', '!=', 'is', 'is not', 'in', 'not in']);
/** Binary operators from loose to tight; comparisons and logic stand apart. */
const LEVELS = [['|'], ['^'], ['&'], ['<<', '>>'], ['+', '-'], ['*', '/', '//', '%', '@']];

/** An operator, or an operand that is finished. */
export type Token = { readonly op: string; readonly from: number; readonly to: number } | Expr;
export const isOp = (t: Token | undefined): t is Extract<Token, { readonly op: string }> => t !== undefined && !('k' in t);

/** Puts a row of operands and operators together as Python does. */
export class Operators {
  private readonly row: readonly Token[];
  private pos = 0;
  private readonly fail: (t: Token) => never;
  constructor(row: readonly Token[], fail: (t: Token) => never) {
    this.row = row;
    this.fail = fail;
  }
  parse(): Expr {
    const e = this.conditional();
    const left = this.row[this.pos];
    return left ? this.fail(left) : e;
  }
  private peek(...ops: readonly string[]): string | null {
    const t = this.row[this.pos];
    return isOp(t) && ops.includes(t.op) ? t.op : null;
  }
  private conditional(): Expr {
    const then = this.or();
    if (!this.peek('if')) return then;
    this.pos++;
    const test = this.or();
    if (!this.peek('else')) this.fail(this.row[this.pos - 1]);
    this.pos++;
    const other = this.conditional();
    return { k: 'conditional', test, then, other, from: then.from, to: other.to };
  }
  private or(): Expr {
    return this.logical('or', () => this.logical('and', () => this.not()));
  }
  private logical(op: 'and' | 'or', next: () => Expr): Expr {
    let a = next();
    while (this.peek(op)) {
      this.pos++;
      const b = next();
      a = { k: 'logical', op, a, b, from: a.from, to: b.to };
    }
    return a;
  }
  private not(): Expr {
    if (!this.peek('not')) return this.comparison();
    const { from } = this.row[this.pos++];
    const x = this.not();
    return { k: 'unary', op: 'not', x, from, to: x.to };
  }
  private comparison(): Expr {
    const items = [this.binary(0)];
    const ops: string[] = [];
    for (let op = this.peek(...COMPARISONS); op; op = this.peek(...COMPARISONS)) {
      this.pos++;
      ops.push(op);
      items.push(this.binary(0));
    }
    return ops.length ? { k: 'compare', ops, items, from: items[0].from, to: items.at(-1)!.to } : items[0];
  }
  private binary(level: number): Expr {
    if (level === LEVELS.length) return this.unary();
    let a = this.binary(level + 1);
    for (let op = this.peek(...LEVELS[level]); op; op = this.peek(...LEVELS[level])) {
      this.pos++;
      const b = this.binary(level + 1);
      a = { k: 'binary', op, a, b, from: a.from, to: b.to };
    }
    return a;
  }
  private unary(): Expr {
    const op = this.peek('-', '+', '~');
    if (!op) return this.power();
    const { from } = this.row[this.pos++];
    const x = this.unary();
    return { k: 'unary', op, x, from, to: x.to };
  }
  private power(): Expr {
    const a = this.row[this.pos++];
    if (!a || isOp(a)) return this.fail(a ?? this.row[this.row.length - 1]);
    if (!this.peek('**')) return a;
    this.pos++;
    const b = this.unary();
    return { k: 'binary', op: '**', a, b, from: a.from, to: b.to };
  }
}
