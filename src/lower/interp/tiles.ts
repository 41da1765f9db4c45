// Ops on whole tiles: shape changes, the matrix product. Each maker takes types and attributes and returns a
// function of arrays. Sums and products of floats accumulate in double precision and round once to the result's dtype;
// `input_precision` makes no difference (full precision always).

import { numel, type Type } from '../../dsl/types.ts';
import { codec } from './codecs.ts';
import { specialise } from './jit.ts';
import type { Unary } from './maker.ts';
import { computeDtype, coordinates, copy, type Store } from './values.ts';

type Doubles = Float64Array;

/** Copies row-major elements: `expand_dims`, `reshape`, hints. */
export const sameElements: Unary = copy;

/** Element i of the result is element `source[i]`. */
export const gather = (t: Type, source: Int32Array): Unary => {
  const f = specialise<(o: Store, x: Store, s: Int32Array, n: number) => void>(
    `gather:${computeDtype(t).name}`,
    'O,X,S,n',
    'for(let i=0;i<n;i++)O[i]=X[S[i]];',
  );
  return (o, x) => f(o, x, source, source.length);
};

/** Repeats a scalar or dimensions of 1. Rows and columns of matrices have short cuts. */
export function broadcast(from: Type, to: Type): Unary {
  const n = numel(to.shape);
  const m = numel(from.shape);
  if (n === m) return copy;
  if (m === 1) return (o, x) => void (o as Doubles).fill((x as Doubles)[0]);
  const [rows, cols] = to.shape;
  if (to.shape.length === 2) {
    if (from.shape[0] === 1) {
      return (o, x) => {
        for (let i = 0; i < rows; i++) (o as Doubles).set(x as Doubles, i * cols);
      };
    }
    return (o, x) => {
      for (let i = 0; i < rows; i++) (o as Doubles).fill((x as Doubles)[i], i * cols, (i + 1) * cols);
    };
  }
  const source = new Int32Array(n);
  for (let i = 0; i < n; i++) {
    const at = coordinates(to.shape, i);
    source[i] = from.shape.reduce((sum, size, d) => sum * size + (size === 1 ? 0 : at[d]), 0);
  }
  return gather(to, source);
}

/** Dimension i of the result is dimension perm[i] of x. */
export function transpose(from: Type, to: Type, perm: readonly number[]): Unary {
  const source = new Int32Array(numel(to.shape));
  for (let i = 0; i < source.length; i++) {
    const at = coordinates(to.shape, i);
    const back = new Array<number>(perm.length);
    for (const [d, p] of perm.entries()) back[p] = at[d];
    source[i] = from.shape.reduce((sum, size, d) => sum * size + back[d], 0);
  }
  return gather(to, source);
}

/**
 * Matrix product [M, K] × [K, N] (+ acc), or a batch of them, one row of the result at a time in double precision, rounded
 * once. Integer products of 8-bit operands are exact in a double; the sum wraps when stored.
 */
export function dot(a: Type, b: Type, to: Type): (out: Store, a: Store, b: Store, acc: Store | undefined) => void {
  const [M, K] = a.shape.slice(-2);
  const N = b.shape.at(-1) as number;
  const batch = a.shape.length > 2 ? a.shape[0] : 1;
  const row = new Float64Array(N);
  const r = codec(computeDtype(to)).round;
  // Four k at a time: one pass over the row of the accumulator serves four rows of b.
  const f = specialise<
    (o: Store, a: Store, b: Store, acc: Store | undefined, row: Float64Array, Q: number, M: number, N: number, K: number) => void
  >(
    `dot:${computeDtype(a).name}:${computeDtype(b).name}:${computeDtype(to).name}`,
    'O,A,B,ACC,row,Q,M,N,K',
    `for(let i=0;i<Q*M;i++){
      const o=i*N,p=i*K,q=Math.floor(i/M)*K*N;
      if(ACC)for(let j=0;j<N;j++)row[j]=ACC[o+j];else row.fill(0);
      let k=0;
      for(;k+3<K;k+=4){
        const a0=A[p+k],a1=A[p+k+1],a2=A[p+k+2],a3=A[p+k+3];
        const b0=q+k*N,b1=b0+N,b2=b1+N,b3=b2+N;
        for(let j=0;j<N;j++)row[j]=row[j]+a0*B[b0+j]+a1*B[b1+j]+a2*B[b2+j]+a3*B[b3+j];
      }
      for(;k<K;k++){const a0=A[p+k],b0=q+k*N;for(let j=0;j<N;j++)row[j]+=a0*B[b0+j];}
      for(let j=0;j<N;j++)O[o+j]=${r ? 'r(row[j])' : 'row[j]'};
    }`,
    { r },
  );
  return (o, x, y, acc) => f(o, x, y, acc, row, batch, M, N, K);
}
