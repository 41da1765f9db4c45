// Arithmetic that launches need on the host: Triton's `triton.cdiv` and `triton.next_power_of_2`. Plain numbers in and out.

/** Smallest integer that is not below x / y, for x >= 0 and y > 0. */
export const cdiv = (x: number, y: number): number => Math.ceil(x / y);

/** Smallest power of two that is not below n; 1 for n <= 1. */
export const next_power_of_2 = (n: number): number => (n <= 1 ? 1 : 2 ** Math.ceil(Math.log2(n)));
