// The declarations that the package ships, used as an editor uses them in a project that installed it: what hovering, signature help and
// completion show inside a kernel, also a ported one. Comments must survive the way from the op table into declarations.

import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { beforeAll, describe, expect, it } from 'vitest';
import { type FunctionDoc, functionsOfTl } from '../scripts/reference/signatures.ts';
import { portSource } from '../src/port/port.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const HOME = `${ROOT}node_modules/.virtual`;
const APP = `${HOME}/app.ts`;

/** Declarations of everything that src/index.ts exports, by path: in memory, under the home of a package named tessera. */
function declarations(): Map<string, string> {
  const { config } = ts.readConfigFile(`${ROOT}tsconfig.json`, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  const program = ts.createProgram([`${ROOT}src/index.ts`], {
    ...options,
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    rootDir: ROOT,
    outDir: `${HOME}/tessera`,
  });
  const files = new Map<string, string>();
  const { emitSkipped, diagnostics } = program.emit(undefined, (path, text) =>
    // Files import each other by their sources' names.
    files.set(path, text.replace(/(['"])(\.[^'"]*)\.ts\1/g, '$1$2.js$1')),
  );
  expect(diagnostics.map((d) => ts.flattenDiagnosticMessageText(d.messageText, '\n'))).toEqual([]);
  expect(emitSkipped).toBe(false);
  return files;
}

let files: Map<string, string>;
let functions: readonly FunctionDoc[];
let service: ts.LanguageService;
let opened = { text: '', version: 0 };
beforeAll(() => {
  files = declarations();
  functions = functionsOfTl();
  const read = (f: string): string | undefined => (f === APP ? opened.text : (files.get(f) ?? ts.sys.readFile(f)));
  const options: ts.CompilerOptions = {
    strict: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    noEmit: true,
    types: [],
    lib: ['lib.es2022.d.ts', 'lib.dom.d.ts', 'lib.esnext.disposable.d.ts'],
    paths: { tessera: [`${HOME}/tessera/src/index.d.ts`] },
  };
  service = ts.createLanguageService({
    getScriptFileNames: () => [APP],
    getScriptVersion: (f) => (f === APP ? String(opened.version) : '1'),
    getScriptSnapshot: (f) => {
      const t = read(f);
      return t === undefined ? undefined : ts.ScriptSnapshot.fromString(t);
    },
    getCurrentDirectory: () => ROOT,
    getCompilationSettings: () => options,
    getDefaultLibFileName: (o) => `${ROOT}node_modules/typescript/lib/${ts.getDefaultLibFileName(o)}`,
    fileExists: (f) => read(f) !== undefined,
    readFile: read,
  });
}, 120_000);

/** An editor that opens a file in a strict project that has nothing but the package. */
function editor(text: string) {
  if (text !== opened.text) opened = { text, version: opened.version + 1 };
  const plain = (parts: readonly ts.SymbolDisplayPart[] | undefined): string =>
    (parts ?? [])
      .map((p) => p.text)
      .join('')
      .replace(/\s+/g, ' ');
  return {
    errors: () => service.getSemanticDiagnostics(APP).map((d) => ts.flattenDiagnosticMessageText(d.messageText, '\n')),
    /** What hovering over a place shows. */
    hover: (at: number) => {
      const info = service.getQuickInfoAtPosition(APP, at);
      return { shown: plain(info?.displayParts), doc: plain(info?.documentation) };
    },
    completions: (at: number) => service.getCompletionsAtPosition(APP, at, {})?.entries.map((e) => e.name) ?? [],
  };
}

const KERNEL = `import { device, kernel, tl } from 'tessera';
export const k = kernel(function k({ x, n, B, OUT }: { x: tl.ptr<tl.f32>; n: tl.i32; B: tl.constexpr; OUT: tl.constexpr<tl.dtype> }) {
  const offs = tl.arange(0, B);
  const v = tl.load(x + offs, { mask: offs < n, other: 0 });
  const [best, place] = tl.max(v, 0, { return_indices: true });
  const most = tl.max(v, 0);
  const total = tl.reduce(v, 0, (a, b) => a + b);
  const sums = tl.associative_scan(v, 0, (a, b) => a + b);
  const d = tl.make_tensor_descriptor(x, { shape: [n, 16], strides: [16, 1], block_shape: [4, 16] });
  const block = d.load([0, 0]);
  const product = tl.dot(block, tl.trans(block), { input_precision: 'ieee' });
  for (const i of tl.range(0, n, 1, { num_stages: 2 })) tl.static_print(i, best, place, most, total, sums, product);
  tl.store(x + offs, tl.cast(v, tl.f16), { });
});
k.launch(await device(), [1], { x: null as never, n: 1, B: 2, OUT: tl.f32 }, { });
`;

describe('an editor', () => {
  it('sees no error in a kernel', () => expect(editor(KERNEL).errors()).toEqual([]));

  it('shows what every function of tl does', () => {
    const text = `import { tl } from 'tessera';\n${functions.map((f) => `tl.${f.name};`).join('\n')}\n`;
    const { hover } = editor(text);
    const wrong = functions.flatMap((f) => {
      const { doc } = hover(text.indexOf(`tl.${f.name};`) + 3);
      return doc === f.doc ? [] : [`tl.${f.name}: "${doc}"`];
    });
    expect(wrong).toEqual([]);
  });

  it.each([
    'tl.arange',
    'tl.load',
    'mask:',
    'other:',
    'tl.max(v, 0, {',
    'return_indices:',
    'tl.max(v, 0)',
    'tl.reduce',
    'tl.associative_scan',
    'tl.make_tensor_descriptor',
    'block_shape:',
    'd.load',
    'tl.dot',
    'input_precision:',
    'tl.range',
    'num_stages:',
    'tl.ptr',
    'tl.i32',
    'tl.constexpr',
    'tl.dtype',
    'tl.f16',
    'k.launch',
    'kernel(',
    'device()',
  ])('documents %s where a kernel uses it', (what) => {
    const at = KERNEL.lastIndexOf(what) + (/^\w+\./.exec(what)?.[0].length ?? 0);
    const { shown, doc } = editor(KERNEL).hover(at);
    expect(shown).not.toBe('');
    expect(doc.split(' ').length, doc).toBeGreaterThan(3);
  });

  it('completes functions and options', () => {
    const { completions } = editor(KERNEL);
    const offered = (what: string): string[] => completions(KERNEL.indexOf(what) + what.length);
    expect(offered('const v = tl.')).toEqual(expect.arrayContaining(['load', 'dot', 'float16', 'PropagateNan']));
    expect(offered('tl.cast(v, tl.f16), { ').sort()).toEqual(['boundary_check', 'cache_modifier', 'eviction_policy', 'mask']);
    expect(offered('OUT: tl.f32 }, { ')).toContain('num_warps');
  });

  it('documents a kernel that was ported', () => {
    const { code } = portSource(
      'import triton\nimport triton.language as tl\n\n@triton.jit\ndef k(x_ptr, n, B: tl.constexpr):\n' +
        '    offs = tl.arange(0, B)\n    m, i = tl.max(tl.load(x_ptr + offs, mask=offs < n), axis=0, return_indices=True)\n' +
        '    tl.atomic_add(x_ptr + i, m)\n',
      { file: 'k.py' },
    );
    const { errors, hover } = editor(code);
    expect(errors()).toEqual([]);
    for (const name of ['arange', 'max', 'load', 'atomic_add', 'constexpr', 'ptr']) {
      const { doc } = hover(code.indexOf(`tl.${name}`) + 3);
      expect(doc.split(' ').length, `${name}: ${doc}`).toBeGreaterThan(3);
    }
  });
});
