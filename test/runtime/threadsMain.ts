// Run by threads.test.ts in a process of its own: one kernel on one thread and on three, as JSON.

import { type Device, device, kernel, tl } from 'tessera';

/** Long enough for help to be called: each program counts to `steps` in a loop. `bad` is the program that fails. */
const count = kernel(function count({
  out,
  steps,
  bad,
  PRINT,
}: {
  out: tl.ptr<tl.f32>;
  steps: tl.i32;
  bad: tl.i32;
  PRINT: tl.constexpr<boolean>;
}) {
  const pid = tl.program_id(0);
  const i = tl.arange(0, 64);
  let acc = tl.zeros([64], tl.f32);
  for (const k of tl.range(0, steps)) acc += tl.cast(k % 7, tl.f32) + i;
  if (PRINT && pid % 50 === 0) tl.device_print('at', pid);
  tl.device_assert(pid < bad, 'too far');
  tl.store(out + pid * 64 + i, acc);
});
const tickets = kernel(function tickets({ next, out, steps }: { next: tl.ptr<tl.i32>; out: tl.ptr<tl.i32>; steps: tl.i32 }) {
  let k = 0;
  for (const s of tl.range(0, steps)) k += s % 3;
  const mine = tl.atomic_add(next, 1);
  tl.store(out + tl.program_id(0), mine + k - k);
});

async function results(threads: number) {
  const lines: string[] = [];
  const open = (): Promise<Device> => device({ prefer: 'interp', threads, onLog: (l) => void lines.push(l) });
  const d = await open();
  const out = d.zeros([400 * 64]);
  d.launch(count, [20, 20], { out, steps: 1, bad: 400, PRINT: false });
  d.launch(count, [400], { out, steps: 600, bad: 400, PRINT: true });
  const sums = await out.toNumbers();
  let error = '';
  try {
    d.launch(count, [400], { out, steps: 600, bad: 173, PRINT: true });
  } catch (e) {
    error = (e as Error).message;
  }
  const [next, order] = [d.zeros([1], tl.i32), d.zeros([300], tl.i32)];
  d.launch(tickets, [300], { next, out: order, steps: 20000 });
  return { sums, lines, error, order: await order.toNumbers() };
}
const [one, three] = [await results(1), await results(3)];
console.log(JSON.stringify({ one, three }));
