// Comments of the Python text, handed out in order: those before a place, and the one behind a place on its line.

import type { Comment } from './ast.ts';

export class Comments {
  private readonly source: string;
  private readonly all: readonly Comment[];
  private next = 0;
  constructor(source: string, all: readonly Comment[]) {
    this.source = source;
    // An empty comment behind code only steers Python's formatters.
    this.all = all.filter((c) => c.text !== '#' || /(^|\n)[ \t]*$/.test(source.slice(0, c.from)));
  }
  /** Goes on with the comments from `offset`. */
  seek(offset: number): void {
    this.next = this.all.findIndex((c) => c.from >= offset);
    if (this.next < 0) this.next = this.all.length;
  }
  /** Comments that start before `offset` and were not handed out yet. */
  before(offset: number): { readonly text: string; readonly from: number }[] {
    const out: { text: string; from: number }[] = [];
    for (; this.next < this.all.length && this.all[this.next].from < offset; this.next++) {
      const c = this.all[this.next];
      out.push({ text: spell(c.text), from: c.from });
    }
    return out;
  }
  /** The comment behind `offset` on the same line. */
  trailing(offset: number): string | null {
    const c = this.all[this.next];
    if (
      !c ||
      c.from < offset ||
      /[^\s,;:)\]]/.test(this.source.slice(offset, c.from)) ||
      this.source.slice(offset, c.from).includes('\n')
    )
      return null;
    this.next++;
    return spell(c.text);
  }
  /** Whether an empty line stands before the line of `offset`. */
  blankBefore(offset: number): boolean {
    const start = this.source.lastIndexOf('\n', offset - 1);
    if (start <= 0) return false;
    const previous = this.source.lastIndexOf('\n', start - 1);
    return this.source.slice(previous + 1, start).trim() === '';
  }
  /** End of the indented comment lines that follow `offset`: a function's last ones. */
  endOfBlock(offset: number): number {
    const [lines] = /^[^\n]*(?:\n[ \t]*(?=\n|$)|\n[ \t]+#[^\n]*)*/.exec(this.source.slice(offset)) ?? [''];
    return offset + lines.length;
  }
  /** Comment lines directly above `offset`. */
  above(offset: number): string[] {
    const out: string[] = [];
    let start = this.source.lastIndexOf('\n', offset - 1);
    while (start > 0) {
      const previous = this.source.lastIndexOf('\n', start - 1);
      const text = this.source.slice(previous + 1, start).trim();
      if (!text.startsWith('#')) break;
      out.unshift(spell(text));
      start = previous;
    }
    return out;
  }
}
const spell = (python: string): string => `//${python.replace(/^#+/, '').replace(/^(?=\S)/, ' ')}`.trimEnd();
