// Contiguity of grouped program orders: a divisor of index arithmetic is taken to be positive (Triton does not ask at all).

import { expect, it } from 'vitest';
import { parseFunc } from '../../src/dsl/ir/parse.ts';
import { analyzeAxis } from '../../src/lower/passes/axis.ts';

const facts = (divisor: string) => {
  const f = parseFunc(`func @k(%n: i32 {div=16}, %g: i32) {
    %pid = program_id {axis=0} : i32
    ${divisor}
    %col = floordiv %pid, %d : i32
    %block = constant {value=64} : i32
    %start = mul %col, %block : i32
    %s = broadcast_to %start {shape=[64]} : tile<64xi32>
    %r = arange {start=0, end=64} : tile<64xi32>
    %offs = add %s, %r : tile<64xi32>
    %m = broadcast_to %n {shape=[64]} : tile<64xi32>
    %wrapped = mod %offs, %m : tile<64xi32>
  }`);
  const last = f.body.ops.at(-1);
  return analyzeAxis(f).get(last!.results[0]);
};

it('keeps runs through a remainder when the divisor is a runtime value', () => {
  expect(facts('%d = add %g, %g : i32')).toMatchObject({ contiguity: [16], divisibility: [16] });
});
it('does not when the divisor is known to be negative', () => {
  expect(facts('%d = constant {value=-2} : i32')).toMatchObject({ contiguity: [1] });
});
