// Arithmetic between dtypes, casts out of range and libdevice's conversions: the types that Triton's own front end gives, the values that
// the PTX it compiles to defines (test/golden/README.md says how they were made).

import { goldenOps } from '../support/goldenOps.ts';

goldenOps('arith', 1);
