// Control flow, helpers, tuples and pointers in all the ways that Python allows, against Triton's interpreter.

import { goldenOps } from '../support/goldenOps.ts';

goldenOps('flow_ops', 0);
