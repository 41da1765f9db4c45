// scripts/with-vulkan.mjs: exit codes, signals, forced drivers.

import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const SCRIPT = fileURLToPath(new URL('../../scripts/with-vulkan.mjs', import.meta.url));
const run = (driver: string, ...command: string[]) =>
  spawnSync(process.execPath, [SCRIPT, ...command], {
    encoding: 'utf8',
    env: { ...process.env, TESSERA_VULKAN: '', TESSERA_DRIVER: driver },
  });
const ADAPTER = `const { create } = await import('webgpu'); globalThis.gpu = create([]);
  const a = await gpu.requestAdapter(); console.log(a ? a.info.description : 'no adapter');`;

describe.runIf(process.platform === 'linux' && process.arch === 'x64')('with-vulkan', () => {
  it('forwards the exit code, and says which driver is used on stderr alone', () => {
    const r = run('none', process.execPath, '-e', 'console.log("out"); process.exit(7)');
    expect([r.status, r.stdout]).toEqual([7, 'out\n']);
    expect(r.stderr).toMatch(/^with-vulkan: no driver, as asked/);
  });
  it('runs SwiftShader when asked, and no driver when asked', () => {
    expect(run('swiftshader', process.execPath, '--input-type=module', '-e', ADAPTER).stdout).toMatch(/SwiftShader/);
    expect(run('none', process.execPath, '--input-type=module', '-e', ADAPTER).stdout).toMatch(/no adapter/);
  });
  it('refuses a driver that it does not know, and a command that does not exist', () => {
    expect(run('metal', 'true')).toMatchObject({ status: 2, stderr: expect.stringMatching(/metal is not one of/) });
    expect(run('none', 'no-such-command')).toMatchObject({ status: 127, stderr: expect.stringMatching(/ENOENT/) });
  });
  it('forwards signals', async () => {
    const child = spawn(
      process.execPath,
      [
        SCRIPT,
        process.execPath,
        '-e',
        "process.on('SIGTERM', () => process.exit(42)); console.log('up'); setTimeout(() => {}, 20000)",
      ],
      {
        env: { ...process.env, TESSERA_VULKAN: '', TESSERA_DRIVER: 'none' },
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    );
    await new Promise((up) => child.stdout.once('data', up));
    child.kill('SIGTERM');
    expect(await new Promise((done) => child.once('exit', done))).toBe(42);
  });
});
