// `tessera ops`: the op table as a list, or one row in full.

import { fail, NO_LOC } from '../dsl/diagnostics.ts';
import { FAMILIES, rowOf } from '../dsl/ops/index.ts';
import type { Row } from '../dsl/ops/row.ts';
import { CLI } from './messages.ts';

const signature = (name: string, row: Row): string =>
  `${row.api ? 'tl.' : ''}${name}(${row.args.join(', ')})${row.attrs?.length ? ` {${row.attrs.join(', ')}}` : ''}`;

/** Text of `tessera ops [NAME]`. */
export function ops(name?: string): string {
  if (name !== undefined) {
    const bare = name.replace(/^tl\./, '');
    const row = rowOf(bare) ?? fail(NO_LOC, CLI.option, 'NAME', name, 'an op of the table; `tessera ops` lists them');
    return [
      signature(bare, row),
      `  ${row.doc}`,
      `  traits: ${row.traits.join(', ')}`,
      ...(row.ulp !== undefined
        ? [`  WGSL precision: ${typeof row.ulp === 'number' ? `${row.ulp} ulp` : 'depends on the operand'}`]
        : []),
    ].join('\n');
  }
  return Object.entries(FAMILIES)
    .map(([family, rows]) =>
      [
        `${family}`,
        ...Object.entries(rows as { [k: string]: Row }).map(
          ([n, r]) => `  ${signature(n, r).padEnd(44)} ${r.doc.split(/(?<=\.) /)[0]}`,
        ),
      ].join('\n'),
    )
    .join('\n\n');
}
