// The process that runs programs for `pool.ts`: a driver may crash or hang in it. Programs come and outcomes go as messages.

import { check, openRig } from './check.ts';
import type { Program } from './program.ts';

const rig = await openRig(process.argv[2] === 'interp' ? 'interp' : 'webgpu');
process.on('message', async (program: Program) => {
  process.send!(await check(rig, program));
});
process.on('disconnect', () => process.exit(0));
process.send!({ ready: rig.device.info.description });
