// Cuts a golden manifest down: keeps the cases whose kernel and id match, packs their tensors anew and compresses them. Of language cases
// only what the runner reads is kept. How test/golden/ was made; see its README.
//   node --import ./scripts/register.mjs scripts/golden/pack.ts FROM.json TO.json [--kernel RE] [--id RE] [--lines FILE]
// FILE: a JSON object from ids of rejects to the first and last line of the statement that Triton points at.

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { readManifest, type TensorRef } from './manifest.ts';
import { isOpsManifest, type OpsCase, type OpsManifest, type OpsTensor, readOpsManifest } from './opsManifest.ts';
import { Packer } from './packer.ts';

interface RawCase {
  readonly id: string;
  readonly kernel: string;
  readonly inputs?: readonly TensorRef[];
  readonly outputs?: readonly TensorRef[];
}

const option = { type: 'string', default: '' } as const;
const { positionals, values } = parseArgs({ allowPositionals: true, options: { kernel: option, id: option, lines: option } });
const [from, to] = positionals;
if (!from || !to) {
  console.error('usage: pack.ts FROM.json TO.json [--kernel RE] [--id RE] [--lines FILE]');
  process.exit(2);
}
const [kernel, id] = [values.kernel, values.id].map((source) => new RegExp(source));
const packer = new Packer();

function packKernels(): void {
  const source = readManifest(from);
  const raw = JSON.parse(readFileSync(from, 'utf8')) as { cases: RawCase[] };
  const move = (refs?: readonly TensorRef[]) => refs?.map((r) => ({ ...r, offset: packer.place(source.bytes(r)) }));
  const cases = raw.cases
    .filter((c) => kernel.test(c.kernel) && id.test(c.id))
    .map((c) => ({ ...c, ...(c.inputs && { inputs: move(c.inputs) }), ...(c.outputs && { outputs: move(c.outputs) }) }));
  packer.write(to, source.header, { cases });
}

function packOps(): void {
  const { manifest, bytes } = readOpsManifest(from);
  const header = manifest as OpsManifest & { readonly provenance: object; readonly doc: object };
  const tensor = ({ arg, dtype, shape, offset, bytes: n }: OpsTensor): OpsTensor => {
    return { arg, dtype, shape, offset: packer.place(bytes.subarray(offset, offset + n)), bytes: n };
  };
  const kept = (c: OpsCase): OpsCase => ({
    id: c.id,
    pseudo: c.pseudo,
    args: c.args.map(({ name, kind }) => ({ name, kind })),
    grid: c.grid,
    inputs: c.inputs.map(tensor),
    scalars: c.scalars.map(({ arg, dtype, value }) => ({ arg, dtype, value })),
    outputs: c.outputs.map((o) => ({ ...tensor(o), compare: o.compare })),
  });
  const cases = manifest.cases.filter((c) => id.test(c.id)).map(kept);
  const lines = values.lines ? JSON.parse(readFileSync(values.lines, 'utf8')) : {};
  const rejects = (manifest.rejects ?? []).map((r) => ({
    id: r.id,
    description: r.description,
    pseudo: r.pseudo,
    pointers: r.pointers,
    scalars: r.scalars.map(({ arg, dtype, value }) => ({ arg, dtype, value })),
    errors: r.errors,
    ...(lines[r.id] && { lines: lines[r.id] }),
  }));
  const { provenance, doc } = header;
  packer.write(to, { provenance, doc }, { cases, ...(rejects.length && { rejects }) });
}

if (isOpsManifest(JSON.parse(readFileSync(from, 'utf8')))) packOps();
else packKernels();
