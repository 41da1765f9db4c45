// Every workload of the GPU benchmark, in the order in which they run: ceilings, then from the quick to the slow.

import type { Workload } from '../workload.ts';
import { cacheWorkloads } from './cache.ts';
import { commonWorkloads } from './common.ts';
import { ceilings, matmulWorkloads } from './matmul.ts';
import { pagedWorkloads } from './paged.ts';
import { prefillWorkloads } from './prefill.ts';

export const workloads: readonly Workload[] = [
  ...ceilings,
  ...cacheWorkloads,
  ...commonWorkloads,
  ...matmulWorkloads,
  ...pagedWorkloads,
  ...prefillWorkloads,
];
