// The other half of the cases of golden.test.ts.

import { goldenOps } from '../support/goldenOps.ts';

goldenOps('ops', 1, 'second');
