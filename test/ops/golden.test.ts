// Every function of the language against what real Triton computed, from Triton's own source text: ported, compiled, launched. Half of
// the cases; the other half is beside, so that they run at the same time.

import { goldenOps } from '../support/goldenOps.ts';

goldenOps('ops', 5, 'first');
