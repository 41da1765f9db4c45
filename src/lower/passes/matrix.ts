// What happens to tile IR when a function's products run on matrix units, top to bottom. Each pass stands in its own file; this
// one decides the order. Devices without matrix units never see these passes.

import type { Pass } from '../pass.ts';
import { again } from '../pass.ts';
import type { Target } from '../program.ts';
import { cse } from './cse.ts';
import { dce } from './dce.ts';
import { deferScale } from './deferScale.ts';
import { licmScalars } from './licm.ts';
import { prefetch } from './prefetch.ts';
import { rotate } from './rotate.ts';
import { scalarSteps } from './scalarSteps.ts';
import { splitAcc } from './splitAcc.ts';
import { unreadOther } from './unreadOther.ts';

export const matrixPasses = (target: Target): readonly Pass[] => [
  licmScalars,
  deferScale(target),
  splitAcc(target),
  scalarSteps,
  rotate(target),
  prefetch(target),
  again(cse, 'the next addresses are computed beside the old ones'),
  again(dce, 'the old loads are unused now'),
  unreadOther,
];
