// docs/language.md says what the sources say, and the lists of Triton's names are true.

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { languagePage } from '../../scripts/reference/page.ts';
import { TRITON_NAMES } from '../../scripts/reference/triton.ts';
import { tl } from '../../src/index.ts';

it('docs/language.md is up to date: `npm run -s reference` writes it', () => {
  const page = readFileSync(new URL('../../docs/language.md', import.meta.url), 'utf8');
  expect(languagePage() === page, 'the page differs from what the sources say').toBe(true);
}, 60_000);

it('every name of triton.language is in tl, or listed with a reason', () => {
  const has = (name: string): boolean => Object.hasOwn(tl, name);
  const wrong = Object.entries(TRITON_NAMES).filter(([name, reason]) => (reason === null) !== has(name));
  expect(wrong.map(([name]) => name)).toEqual([]);
});
