// The rules of the layout that a compiler cannot check: imports go one way, and ts-morph stays behind one file.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, it } from 'vitest';

const src = resolve(import.meta.dirname, '../src');
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.ts'));
const importsOf = (file: string): string[] =>
  [
    ...readFileSync(join(src, file), 'utf8').matchAll(
      /(?:^|\n)\s*(?:import|export)\b[^;'"]*?from\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/g,
    ),
  ].map((m) => m[1] ?? m[2]);
const level = (path: string): number => ['dsl', 'lower', 'runtime'].indexOf(path.split('/')[0]);

it('imports go runtime → lower → dsl and never back', () => {
  const back = files.flatMap((f) =>
    importsOf(f)
      .filter((i) => i.startsWith('.'))
      .map((i) => relative(src, resolve(src, dirname(f), i)))
      .filter((to) => level(f) >= 0 && level(to) > level(f))
      .map((to) => `${f} imports ${to}`),
  );
  expect(back).toEqual([]);
});
it('only the front end’s project.ts imports ts-morph', () => {
  expect(files.filter((f) => importsOf(f).includes('ts-morph'))).toEqual(['dsl/frontend/project.ts']);
});
it('what browsers load imports no module of Node statically', () => {
  // The worker is a program of its own, which only Node starts.
  const browser = files.filter((f) => level(f) >= 0 && f !== 'runtime/interpWorker.ts');
  const node = browser.filter((f) => importsOf(f).some((i) => i.startsWith('node:')));
  expect(node).toEqual([]);
});
it('no file is longer than 600 lines', () => {
  expect(files.filter((f) => readFileSync(join(src, f), 'utf8').split('\n').length > 600)).toEqual([]);
});
