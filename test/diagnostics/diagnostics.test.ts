// Wrong kernels and launches (cases/*.ts), each with the exact text that a person sees (cases/*.txt). Every case runs on each
// device at hand; nothing may be launched. A case that only one device can find says so with `only`.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CompileError } from '../../src/dsl/diagnostics.ts';
import { transformSource } from '../../src/dsl/frontend/transform.ts';
import { type Device, device } from '../../src/index.ts';

const folder = join(import.meta.dirname, 'cases');
const texts = new Map(
  readdirSync(folder)
    .filter((f) => f.endsWith('.ts'))
    .map((f) => [f.slice(0, -3), readFileSync(join(folder, f), 'utf8')]),
);
/** Cases of a device: one that only the other can find says `export const only = 'interp' | 'webgpu'`. */
const casesOf = (kind: string): string[] =>
  [...texts].filter(([, text]) => (/^export const only = '(\w+)'/m.exec(text)?.[1] ?? kind) === kind).map(([name]) => name);
interface Case {
  default(dev: Device): void;
}
// Cases that the front end refuses cannot be imported; Vite would report them as build errors.
const modules = import.meta.glob<Case>('./cases/*.ts');

/** The text without what differs between machines: folders, and limits of the device. */
const normalize = (text: string): string => text.replace(/(--> ).*?cases\//g, '$1').replace(/(the device allows) \d+/, '$1 N');

describe.each(['interp', 'webgpu'] as const)('wrong kernels on %s', (kind) => {
  let dev: Device;
  beforeAll(async () => {
    dev = await device({ prefer: kind });
    if (dev.kind !== kind) throw new Error(`no ${kind} device here; run through npm test, which brings a Vulkan driver`);
  });
  afterAll(() => dev.destroy());

  it.each(casesOf(kind))('%s', async (name) => {
    const file = join(folder, `${name}.ts`);
    const front = transformSource(texts.get(name) as string, file)?.diagnostics ?? [];
    let text: string;
    const launches = dev.stats.launches;
    if (front.length) text = new CompileError(front).message;
    else {
      const m = await modules[`./cases/${name}.ts`]();
      text = await Promise.resolve()
        .then(() => m.default(dev))
        .then(() => dev.sync())
        .then(
          () => 'nothing was wrong',
          (e: Error) => e.message,
        );
    }
    const expected = join(folder, `${name}.txt`);
    const got = `${normalize(text)}\n`;
    if (process.env.TESSERA_WRITE_DIAGNOSTICS && !existsSync(expected)) writeFileSync(expected, got);
    expect(got).toBe(readFileSync(expected, 'utf8'));
    if (kind === 'webgpu') expect(dev.stats.launches).toBe(launches);
  });
});
