// too many buffers
import { type Device, kernel, tl } from 'tessera';
export const only = 'webgpu';

const k = kernel(function k({
  a,
  b,
  c,
  d,
  e,
  f,
  g,
  h,
  i,
  j,
  l,
  m,
  n,
  o,
  p,
  q,
  r,
}: {
  a: tl.ptr<tl.f32>;
  b: tl.ptr<tl.f32>;
  c: tl.ptr<tl.f32>;
  d: tl.ptr<tl.f32>;
  e: tl.ptr<tl.f32>;
  f: tl.ptr<tl.f32>;
  g: tl.ptr<tl.f32>;
  h: tl.ptr<tl.f32>;
  i: tl.ptr<tl.f32>;
  j: tl.ptr<tl.f32>;
  l: tl.ptr<tl.f32>;
  m: tl.ptr<tl.f32>;
  n: tl.ptr<tl.f32>;
  o: tl.ptr<tl.f32>;
  p: tl.ptr<tl.f32>;
  q: tl.ptr<tl.f32>;
  r: tl.ptr<tl.f32>;
}) {
  let sum = 0.0;
  for (const ptr of [a, b, c, d, e, f, g, h, i, j, l, m, n, o, p, q]) sum = sum + tl.load(ptr);
  tl.store(r, sum);
});

export default function run(dev: Device): void {
  const f32 = (n: number) => dev.empty([n], 'f32');
  const t = () => f32(1);
  k.launch(dev, [1], {
    a: t(),
    b: t(),
    c: t(),
    d: t(),
    e: t(),
    f: t(),
    g: t(),
    h: t(),
    i: t(),
    j: t(),
    l: t(),
    m: t(),
    n: t(),
    o: t(),
    p: t(),
    q: t(),
    r: t(),
  });
}
