// Memory for keys and values: a fixed number of blocks of a fixed number of tokens, per layer, lent to requests by block.

import type { Device, DTypeName, Tensor } from 'tessera';
import type { ModelConfig } from './config.ts';

/** More blocks were asked for than the pool has, or has free. */
export class PoolError extends Error {
  override readonly name = 'PoolError';
}

export class KvCachePool {
  readonly num_blocks: number;
  readonly block_size: number;
  /** [num_blocks, block_size, key heads, head_dim], one of each a layer. */
  readonly keys: readonly Tensor[];
  readonly values: readonly Tensor[];
  private readonly unused: number[];

  constructor(device: Device, config: ModelConfig, num_blocks: number, block_size: number, dtype: DTypeName) {
    this.num_blocks = num_blocks;
    this.block_size = block_size;
    const shape = [num_blocks, block_size, config.num_key_value_heads, config.head_dim];
    const caches = (what: string): Tensor[] =>
      Array.from({ length: config.num_hidden_layers }, (_, i) => device.empty(shape, dtype, `${what} cache of layer ${i}`));
    this.keys = caches('key');
    this.values = caches('value');
    // The lowest number is lent first.
    this.unused = Array.from({ length: num_blocks }, (_, i) => num_blocks - 1 - i);
  }

  get free_blocks(): number {
    return this.unused.length;
  }
  blocksFor(tokens: number): number {
    return Math.ceil(tokens / this.block_size);
  }
  /** @throws PoolError that names the pool's size if `count` blocks are not free. */
  allocate(count: number, who: string): number[] {
    if (count > this.unused.length) {
      const size = `the KV cache pool has ${this.num_blocks} blocks of ${this.block_size} tokens`;
      throw new PoolError(
        `${size}, ${this.unused.length} of them free; ${who} needs ${count}. Make the pool larger, or ask for fewer tokens.`,
      );
    }
    return this.unused.splice(this.unused.length - count, count).reverse();
  }
  release(blocks: readonly number[]): void {
    this.unused.push(...[...blocks].reverse());
  }
  free(): void {
    for (const t of [...this.keys, ...this.values]) t.free();
  }
}
