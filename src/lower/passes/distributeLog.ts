// device_print and device_assert, tile to lane: records in the log ring, one an element, written by one representative of
// replicated invocations. The runtime turns records into text.

import type { Op, Value } from '../../dsl/ir/ir.ts';
import { DTYPES, dtypeOf, isTile } from '../../dsl/types.ts';
import type { Distributor } from './distribute.ts';
import { type Layout, regCount, regOffset, SCALAR, shapeOf } from './layout.ts';

export function emitLog(d: Distributor, op: Op): void {
  const { b } = d;
  const assertion = op.name === 'device_assert';
  const site = d.sites.length;
  const layout: Layout = op.operands.some((o) => isTile(o.type)) ? d.plan.working(op) : SCALAR;
  const shape = shapeOf(layout);
  const values = assertion ? [] : op.operands;
  d.sites.push({
    kind: assertion ? 'assert' : 'print',
    text: String((assertion ? op.attrs.msg : op.attrs.prefix) ?? ''),
    ...(op.attrs.hex === true ? { hex: true } : {}),
    loc: op.loc,
    values: values.map((v) => dtypeOf(v.type).name),
    shape,
  });
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((p, q) => p * q, 1));
  const base = d.laneAddress(layout, strides);
  const one = d.representative(layout) ?? b.constant(true, DTYPES.bool);
  const operands = op.operands.map((o) => d.get(o, isTile(o.type) ? layout : SCALAR));
  for (let r = 0; r < regCount(layout); r++) {
    const at = d.shift(
      base,
      layout.dims.reduce((acc, _, i) => acc + regOffset(layout, i, r) * strides[i], 0),
    );
    let when: Value = one;
    const element = (k: number) => b.at(operands[k], isTile(op.operands[k].type) ? r : 0);
    if (assertion) {
      when = b.scalarOp('and', [when, b.scalarOp('not', [element(0)])]);
      if (op.operands[1]) when = b.scalarOp('and', [when, element(1)]);
    }
    b.effect('log_record', [at, when, ...values.flatMap((_, k) => d.toWords(element(k)))], { site });
  }
}
