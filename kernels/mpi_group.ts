// A group of ranks that are processes, over MPI: `mpiexec -n 4 node …`. Calls MPICH's C library through the FFI package `koffi`. In: tensors of
// this process's device. Out: tensors of it, after the other ranks' data came in through host memory. Entry `tessera/mpi`, Node only.

import { type Device, DTYPES, type DTypeName, type Tensor } from '../src/index.ts';
import { Arguments } from './check.ts';
import type { GroupCoordinator } from './context_parallel.ts';

/** MPI is not there, or is not one that this file can call. */
export class MpiError extends Error {
  override readonly name = 'MpiError';
}

export interface MpiGroup extends GroupCoordinator {
  /** Leaves MPI; every rank must come here before it ends. The group cannot be used after. */
  finalize(): void;
}

/** The C interface of MPICH and of the libraries that share its binary interface (Intel MPI, MVAPICH): handles are integers. */
const COMM_WORLD = 0x44000000;
const BYTE = 0x4c00010d;
const FLOAT = 0x4c00040a;
const SUM = 0x58000003;

const LIBRARIES = ['libmpich.so.12', 'libmpi.so.12', 'libmpi.12.dylib', 'impi.dll'];
const INSTALL = 'on Debian and Ubuntu: apt install mpich libmpich12';

interface Mpi {
  init(argc: null, argv: null): number;
  initialized(flag: number[]): number;
  rank(comm: number, rank: number[]): number;
  size(comm: number, size: number[]): number;
  allgather(send: Uint8Array, n: number, type: number, receive: Uint8Array, m: number, as: number, comm: number): number;
  reduceScatter(send: Uint8Array, receive: Uint8Array, n: number, type: number, op: number, comm: number): number;
  finalize(): number;
}

async function load(library: string | undefined): Promise<Mpi> {
  const name = 'koffi'; // a variable, so that bundlers do not try to resolve what only Node has
  let koffi: typeof import('koffi');
  try {
    const module = (await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as { default?: typeof import('koffi') };
    koffi = module.default ?? (module as unknown as typeof import('koffi'));
  } catch (e) {
    throw new MpiError(
      `MPI is called through the package 'koffi', which does not load (${(e as Error).message}): npm install koffi`,
    );
  }
  // UCX, which MPICH may sit on, watches the allocator by patching it when it is loaded; under V8, processes then crash in a collection now
  // and then (one in eight runs of four ranks on a busy machine). What it is good for, memory registered with network cards, is not used.
  process.env.UCX_MEM_EVENTS ??= 'n';
  const tried: string[] = [];
  for (const path of library === undefined ? LIBRARIES : [library]) {
    let lib: ReturnType<typeof koffi.load>;
    try {
      lib = koffi.load(path);
    } catch (e) {
      tried.push(`${path}: ${(e as Error).message.split('\n')[0]}`);
      continue;
    }
    const version = Buffer.alloc(8192);
    lib.func('int MPI_Get_library_version(_Out_ char *text, _Out_ int *length)')(version, [0]);
    const text = version.toString('latin1', 0, version.indexOf(0));
    if (!/MPICH|MVAPICH|Intel\(R\) MPI/.test(text))
      throw new MpiError(`${path} is '${text.split('\n')[0]}', whose binary interface differs from MPICH's; ${INSTALL}`);
    return {
      init: lib.func('int MPI_Init(void *argc, void *argv)'),
      initialized: lib.func('int MPI_Initialized(_Out_ int *flag)'),
      rank: lib.func('int MPI_Comm_rank(int comm, _Out_ int *rank)'),
      size: lib.func('int MPI_Comm_size(int comm, _Out_ int *size)'),
      allgather: lib.func(
        'int MPI_Allgather(const uint8_t *send, int n, int type, _Out_ uint8_t *receive, int m, int as, int comm)',
      ),
      reduceScatter: lib.func(
        'int MPI_Reduce_scatter_block(const uint8_t *send, _Out_ uint8_t *receive, int n, int type, int op, int comm)',
      ),
      finalize: lib.func('int MPI_Finalize()'),
    };
  }
  throw new MpiError(
    `no MPI library was found (${tried.join('; ')}); ${INSTALL}, or name one: mpiGroup(device, { library: '/path/to/libmpi.so' })`,
  );
}

const bytesOf = (data: ArrayBufferView): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
const SUMMED: readonly DTypeName[] = ['f32', 'f16', 'bf16'];

/**
 * The ranks that `mpiexec` started, each a process with a device of its own; one rank where the program was started without it. Calls are
 * collective: each blocks until every rank has made it, in the same order. Sums are f32 in MPI's order of ranks.
 * @throws MpiError when koffi or the library is missing, with what to install.
 */
export async function mpiGroup(device: Device, options: { readonly library?: string } = {}): Promise<MpiGroup> {
  const mpi = await load(options.library);
  /** MPI's own errors end the program, as is its default; a code that comes back all the same is not ignored. */
  const done = (code: number, what: string): void => {
    if (code !== 0) throw new MpiError(`${what} failed with code ${code}`);
  };
  const flag = [0];
  done(mpi.initialized(flag), 'MPI_Initialized');
  if (!flag[0]) done(mpi.init(null, null), 'MPI_Init');
  const [rank, size] = [[0], [0]];
  done(mpi.rank(COMM_WORLD, rank), 'MPI_Comm_rank');
  done(mpi.size(COMM_WORLD, size), 'MPI_Comm_size');
  const [world_size, rank_in_group] = [size[0], rank[0]];

  let open = true;
  const check = (fn: string, t: Tensor, dim: number): Arguments => {
    if (!open) throw new MpiError(`${fn} after finalize: this rank has left MPI`);
    const c = new Arguments(`mpiGroup.${fn}`, device);
    c.tensor('t', t, t.shape);
    c.integer('dim', dim, 0, t.shape.length - 1);
    // Counts are C ints.
    c.require(t.nbytes * world_size < 2 ** 31, 't', `less than 2 GiB over ${world_size} ranks`, `${t.nbytes} bytes a rank`);
    return c;
  };
  return {
    world_size,
    rank_in_group,
    async all_gather(t, dim) {
      check('all_gather', t, dim);
      const mine = bytesOf(await t.download());
      const all = new Uint8Array(mine.length * world_size);
      done(mpi.allgather(mine, mine.length, BYTE, all, mine.length, BYTE, COMM_WORLD), 'MPI_Allgather');
      // Ranks arrive one after another: joined along the first dimension of [ranks, ...shape].
      const flat = device.tensor(all, { dtype: 'u8' });
      const stacked = flat.view(t.dtype).reshape([world_size, ...t.shape]);
      if (dim === 0) return stacked.reshape(t.shape.with(0, t.shape[0] * world_size));
      const out = device.empty(t.shape.with(dim, t.shape[dim] * world_size), t.dtype);
      for (let r = 0; r < world_size; r++)
        out.slice(dim, r * t.shape[dim], (r + 1) * t.shape[dim]).copyFrom(stacked.select(0, r));
      flat.free();
      return out;
    },
    async reduce_scatter(t, dim) {
      const c = check('reduce_scatter', t, dim);
      c.dtype(
        't',
        t,
        SUMMED.map((d) => DTYPES[d]),
      );
      c.require(
        t.shape[dim] % world_size === 0,
        't',
        `a dimension ${dim} that ${world_size} ranks share evenly`,
        String(t.shape[dim]),
      );
      const n = t.shape[dim] / world_size;
      // Slice after slice, as MPI deals them out.
      const send = new Float32Array(t.numel);
      for (let r = 0; r < world_size; r++)
        send.set(await t.slice(dim, r * n, (r + 1) * n).toFloat32(), (r * t.numel) / world_size);
      const sum = new Float32Array(t.numel / world_size);
      done(mpi.reduceScatter(bytesOf(send), bytesOf(sum), sum.length, FLOAT, SUM, COMM_WORLD), 'MPI_Reduce_scatter_block');
      return device.tensor([...sum], { shape: t.shape.with(dim, n), dtype: t.dtype });
    },
    finalize() {
      if (!open) return;
      open = false;
      done(mpi.finalize(), 'MPI_Finalize');
    },
  };
}
