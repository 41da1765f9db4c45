// Output of the front end. A cursor moves through the source once, from left to right: text is copied, dropped or put in
// between. Line breaks of dropped text are kept, so line n of the output is line n of the source. Knows no syntax.

import MagicString, { type SourceMap } from 'magic-string';

/** Text that is put now and filled in later. */
export interface Slot {
  text: string;
}

interface Edit {
  readonly start: number;
  end: number;
  readonly parts: (string | Slot)[];
}

export class Writer {
  readonly source: string;
  #pos = 0;
  readonly #edits: Edit[] = [];

  constructor(source: string) {
    this.source = source;
  }

  get pos(): number {
    return this.#pos;
  }

  /** Leaves the source as it is up to `pos`. */
  copyTo(pos: number): void {
    if (pos > this.#pos) this.#pos = pos;
  }

  /** Puts text at the cursor. */
  put(text: string): void {
    this.#edit().parts.push(text);
  }

  /** Puts text at the cursor that is filled in later. */
  slot(): Slot {
    const slot = { text: '' };
    this.#edit().parts.push(slot);
    return slot;
  }

  /** Drops the source up to `pos`, but for its line breaks. */
  skipTo(pos: number): void {
    if (pos <= this.#pos) return;
    const edit = this.#edit();
    for (let i = this.source.indexOf('\n', this.#pos); i >= 0 && i < pos; i = this.source.indexOf('\n', i + 1))
      edit.parts.push('\n');
    edit.end = this.#pos = pos;
  }

  /** Drops the source up to `pos`; what was dropped is now one space, or its line breaks. */
  gapTo(pos: number): void {
    const broken = this.source.slice(this.#pos, pos).includes('\n');
    this.skipTo(pos);
    if (!broken) this.put(' ');
  }

  /** The output. The map is made when it is first asked for. */
  finish(file: string): { code: string; readonly map: SourceMap } {
    const out = new MagicString(this.source, { filename: file });
    for (const { start, end, parts } of this.#edits) {
      const text = parts.map((p) => (typeof p === 'string' ? p : p.text)).join('');
      if (end > start) out.update(start, end, text);
      else if (text) out.appendLeft(start, text);
    }
    let map: SourceMap | undefined;
    return {
      code: out.toString(),
      get map() {
        map ??= out.generateMap({ source: file, includeContent: true, hires: 'boundary' });
        return map;
      },
    };
  }

  #edit(): Edit {
    const last = this.#edits[this.#edits.length - 1];
    if (last && last.end === this.#pos) return last;
    const edit: Edit = { start: this.#pos, end: this.#pos, parts: [] };
    this.#edits.push(edit);
    return edit;
  }
}
