// The files *.test-d.ts beside this one hold uses of the language that the type checker must accept, with the types they must have,
// and wrong uses it must refuse (`@ts-expect-error`, itself an error where nothing is wrong). Here they are checked.

import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Project } from 'ts-morph';
import { expect, it } from 'vitest';

const here = fileURLToPath(new URL('.', import.meta.url));
const names = readdirSync(here).filter((f) => f.endsWith('.test-d.ts'));
const project = new Project({ tsConfigFilePath: `${here}../../tsconfig.json`, skipAddingFilesFromTsConfig: true });
for (const n of names) project.addSourceFileAtPath(here + n);

it.each(names)('%s', (name) => {
  const file = project.getSourceFileOrThrow(here + name);
  const wrong = file.getPreEmitDiagnostics().map((d) => {
    const text = d.getMessageText();
    return `${name}:${d.getLineNumber()}: ${typeof text === 'string' ? text : text.getMessageText()}`;
  });
  expect(wrong).toEqual([]);
  expect(file.getFullText().match(/@ts-expect-error \w/g)?.length, 'wrong uses, each with its reason').toBeGreaterThan(20);
});
