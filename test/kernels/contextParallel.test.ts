// Attention over keys that are spread over ranks: in one process on each device, and in processes of their own over MPI where mpiexec is
// there. Judged by float64.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { rankError } from '../../examples/08-context-parallel.ts';
import { CPTritonContext, cp_lse_ag_out_rs, localGroup } from '../../kernels/index.ts';
import { mpiGroup } from '../../kernels/mpi_group.ts';
import { device as openDevice } from '../../src/index.ts';
import { onEachDevice } from '../support/devices.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ERROR = 2e-6;

onEachDevice('ranks in one process', (dev) => {
  it.each([1, 2, 3, 4, 6])('%i', async (ranks) => {
    for (const lost of [false, true]) {
      const errors = await Promise.all(localGroup(dev(), ranks).map((g) => rankError(dev(), g, lost)));
      expect(Math.max(...errors)).toBeLessThan(ERROR);
    }
    expect(dev().stats.buffers).toBe(0);
  });
  it('a context compiles once', async () => {
    const [ctx, groups] = [new CPTritonContext(), localGroup(dev(), 2)];
    await Promise.all(groups.map((g) => rankError(dev(), g, false, ctx)));
    const { traces, compiles } = dev().stats;
    for (let i = 0; i < 3; i++) await Promise.all(groups.map((g) => rankError(dev(), g, false, ctx)));
    expect([dev().stats.traces, dev().stats.compiles]).toEqual([traces, compiles]);
  });
  it('keys on no rank: 0, and heads that ranks cannot share are refused', async () => {
    const d = dev();
    const results = await Promise.all(
      localGroup(d, 2).map(async (cp_group) => {
        const [cp_attn_out, cp_attn_lse] = [d.full([1, 2, 16], 7), d.full([1, 2], -Infinity)];
        const out = await cp_lse_ag_out_rs(d, { cp_attn_out, cp_attn_lse, cp_group });
        const values = await out.toNumbers();
        for (const t of [cp_attn_out, cp_attn_lse, out]) t.free();
        return values;
      }),
    );
    expect(results).toEqual([Array(16).fill(0), Array(16).fill(0)]);
    const [cp_attn_out, cp_attn_lse] = [d.zeros([1, 3, 16]), d.zeros([1, 3])];
    const { launches } = d.stats;
    const one = cp_lse_ag_out_rs(d, { cp_attn_out, cp_attn_lse, cp_group: localGroup(d, 2)[0] });
    await expect(one).rejects.toThrow('expected heads that 2 ranks share evenly, found 3 heads');
    expect(d.stats.launches).toBe(launches);
    for (const t of [cp_attn_out, cp_attn_lse]) t.free();
  });
});

const mpiexec = spawnSync('mpiexec', ['--version'], { encoding: 'utf8' });
const missing =
  mpiexec.status === 0 && /HYDRA|MPICH/.test(mpiexec.stdout) ? '' : ' (skipped: no mpiexec of MPICH on this machine)';

describe('MPI', () => {
  it.skipIf(missing).each([4, 3, 1])(
    `%i processes${missing}`,
    (n) => {
      const args = ['--import', './scripts/register.mjs', 'examples/08-context-parallel.ts', '--mpi', '--device', 'interp'];
      const r = spawnSync('mpiexec', ['-n', String(n), process.execPath, ...args], {
        cwd: ROOT,
        encoding: 'utf8',
        timeout: 100_000,
      });
      expect(r.stderr).toBe('');
      expect(r.stdout).toContain(`${n} ranks over MPI, interp`);
      expect(r.stdout).toMatch(/largest error \S+ against float64, within 2e-6/);
      expect(r.stdout).toMatch(/ten more calls with one CPTritonContext: [12]0 launches, 0 traces, 0 compilations/);
      expect(r.status).toBe(0);
    },
    120_000,
  );

  it('says what to install where there is no library, or another one', async () => {
    const device = await openDevice({ prefer: 'interp' });
    await expect(mpiGroup(device, { library: 'libno_such_mpi.so' })).rejects.toThrow(
      /no MPI library was found \(.*libno_such_mpi\.so.*\); on Debian and Ubuntu: apt install mpich libmpich12/,
    );
  });
});
