#!/usr/bin/env node
// Runs a command in an environment in which Dawn (WebGPU in Node) finds a Vulkan device: `node scripts/with-vulkan.mjs CMD ARGS…`.
// In: the command, and TESSERA_DRIVER=system|swiftshader|none to force a driver. Out: the command's own exit code.
// The system's driver is used if a probe finds an adapter with it; else SwiftShader from the npm package @sparticuz/chromium.
// The variables must stand before the process starts, because Dawn opens libvulkan.so.1 by name. Knows nothing of the project.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const MODULES = join(ROOT, 'node_modules');
const PROBE_MS = 15_000;

const say = (text) => process.stderr.write(`with-vulkan: ${text}\n`);

/** Describes the adapter that Dawn finds under `env`, or says in `why` what was in the way. Runs in a child: a driver may hang or crash. */
function probe(env) {
  const script = `const { create } = await import('webgpu');
    const gpu = (globalThis.gpu = create([]));
    const a = await gpu.requestAdapter();
    process.stdout.write(a ? 'adapter:' + (a.info.description || a.info.device || a.info.vendor) : 'none');
    process.exit(0);`;
  const r = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: ROOT,
    env,
    encoding: 'utf8',
    timeout: PROBE_MS,
    killSignal: 'SIGKILL',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (r.stdout?.startsWith('adapter:')) return { adapter: r.stdout.slice(8) };
  if (r.error?.code === 'ETIMEDOUT') return { why: `the probe did not answer in ${PROBE_MS / 1000} s` };
  if (r.signal) return { why: `the probe died of ${r.signal}` };
  if (r.stdout === 'none') return { why: 'no Vulkan adapter' };
  return { why: (r.stderr || '').split('\n').find((l) => /Error/.test(l)) ?? 'the webgpu package does not load' };
}

/** Yields the regular files of a tar archive (ustar names; that is all the archive uses). */
function* untar(bytes) {
  const text = (from, length) => bytes.toString('utf8', from, from + length).replace(/\0.*$/s, '');
  for (let at = 0; at + 512 <= bytes.length; ) {
    const name = text(at, 100);
    if (!name) return;
    const size = Number.parseInt(text(at + 124, 12).trim() || '0', 8);
    const type = bytes[at + 156];
    if (type === 0 || type === 0x30) yield { name: basename(name), data: bytes.subarray(at + 512, at + 512 + size) };
    at += 512 + Math.ceil(size / 512) * 512;
  }
}

/** Unpacks SwiftShader and its Vulkan loader into node_modules/.cache (once) and returns the folder, or null where it cannot run. */
function swiftshader() {
  const archive = join(MODULES, '@sparticuz', 'chromium', 'bin', 'swiftshader.tar.br');
  if (process.arch !== 'x64' || !existsSync(archive)) return null;
  const dir = join(MODULES, '.cache', 'tessera', 'swiftshader');
  if (existsSync(join(dir, 'vk_swiftshader_icd.json'))) return dir;
  mkdirSync(dirname(dir), { recursive: true });
  // Unpacked beside and renamed, so that commands started at the same time never see half a driver.
  const fresh = mkdtempSync(`${dir}-`);
  for (const { name, data } of untar(brotliDecompressSync(readFileSync(archive)))) {
    if (/vulkan|vk_swiftshader/.test(name)) writeFileSync(join(fresh, name), data, { mode: 0o755 });
  }
  try {
    renameSync(fresh, dir);
  } catch (e) {
    rmSync(fresh, { recursive: true, force: true });
    if (!existsSync(join(dir, 'vk_swiftshader_icd.json'))) throw e;
  }
  return dir;
}

const swiftshaderEnv = (dir) => {
  const icd = join(dir, 'vk_swiftshader_icd.json');
  return {
    ...process.env,
    LD_LIBRARY_PATH: [dir, process.env.LD_LIBRARY_PATH].filter(Boolean).join(':'),
    VK_DRIVER_FILES: icd,
    VK_ICD_FILENAMES: icd, // the same variable for loaders before 1.3.207
  };
};

/** The environment for the command, and the line that says which driver it uses. */
function choose(want) {
  if (process.platform !== 'linux') return { env: process.env, line: `${process.platform}: Dawn's own back end` };
  if (process.env.TESSERA_VULKAN && want === 'auto') return { env: process.env, line: null }; // inside another with-vulkan
  if (want === 'none') {
    return {
      env: { ...process.env, VK_DRIVER_FILES: '/dev/null', VK_ICD_FILENAMES: '/dev/null' },
      line: 'no driver, as asked (TESSERA_DRIVER=none)',
    };
  }
  const system = want === 'swiftshader' ? { why: 'not asked' } : probe(process.env);
  if (system.adapter) return { env: process.env, line: `system driver: ${system.adapter}` };
  if (want === 'system') return { env: process.env, line: `system driver, as asked, but: ${system.why}` };
  const dir = swiftshader();
  if (!dir)
    return {
      env: process.env,
      line: `no Vulkan device (${system.why}) and no SwiftShader for ${process.arch}; using the interpreter`,
    };
  const env = swiftshaderEnv(dir);
  const soft = probe(env);
  const why = want === 'swiftshader' ? '' : ` (system: ${system.why})`;
  if (soft.adapter) return { env, line: `${soft.adapter}${why}` };
  return { env: process.env, line: `no Vulkan device${why}; SwiftShader: ${soft.why}; using the interpreter` };
}

const [command, ...args] = process.argv.slice(2);
const want = process.env.TESSERA_DRIVER || 'auto';
if (!command || !['auto', 'system', 'swiftshader', 'none'].includes(want)) {
  say(command ? `TESSERA_DRIVER=${want} is not one of system, swiftshader, none` : 'usage: with-vulkan.mjs COMMAND [ARGS…]');
  process.exit(2);
}
const { env, line } = choose(want);
if (line) say(line);
const child = spawn(command, args, {
  stdio: 'inherit',
  shell: process.platform === 'win32',
  env: { ...env, TESSERA_VULKAN: line ?? env.TESSERA_VULKAN, PATH: [join(MODULES, '.bin'), env.PATH].join(delimiter) },
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('error', (e) => {
  say(`${command}: ${e.message}`);
  process.exit(127);
});
child.on('exit', (code, signal) => process.exit(signal ? 128 + (constants.signals[signal] ?? 0) : (code ?? 1)));
