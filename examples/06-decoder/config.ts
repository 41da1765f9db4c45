// The shape of a decoder, under the names of a Hugging Face `config.json` of a Llama model.

export interface ModelConfig {
  readonly vocab_size: number;
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads: number;
  /** hidden_size / num_attention_heads where it is not given. */
  readonly head_dim: number;
  readonly rms_norm_eps: number;
  readonly rope_theta: number;
  readonly eos_token_id: number | null;
}

/** A model of a million parameters: small enough for a CPU, and with every part of a large one. */
export const SMALL: ModelConfig = {
  vocab_size: 1024,
  hidden_size: 128,
  intermediate_size: 352,
  num_hidden_layers: 4,
  num_attention_heads: 8,
  num_key_value_heads: 2,
  head_dim: 16,
  rms_norm_eps: 1e-5,
  rope_theta: 10000,
  eos_token_id: 2,
};

const DEFAULTS = { rms_norm_eps: 1e-6, rope_theta: 10000, eos_token_id: null } as const;
const NEEDED = ['vocab_size', 'hidden_size', 'intermediate_size', 'num_hidden_layers', 'num_attention_heads'] as const;

/**
 * Reads the fields of a `config.json`.
 * @throws Error that names the first field that is missing or does not fit the others.
 */
export function modelConfig(json: { readonly [field: string]: unknown }): ModelConfig {
  for (const f of NEEDED)
    if (!(Number.isInteger(json[f]) && (json[f] as number) > 0))
      throw new Error(`config: '${f}' must be a positive integer, found ${json[f]}`);
  const c = { ...DEFAULTS, ...json } as unknown as ModelConfig;
  const num_key_value_heads = c.num_key_value_heads ?? c.num_attention_heads;
  const head_dim = c.head_dim ?? c.hidden_size / c.num_attention_heads;
  if (!Number.isInteger(head_dim) || head_dim % 2)
    throw new Error(`config: a head must have an even number of elements, found ${head_dim}`);
  if (c.num_attention_heads % num_key_value_heads)
    throw new Error(
      `config: ${c.num_attention_heads} query heads cannot share ${num_key_value_heads} key and value heads evenly`,
    );
  const eos = Array.isArray(c.eos_token_id) ? (c.eos_token_id[0] as number) : c.eos_token_id;
  return { ...c, num_key_value_heads, head_dim, eos_token_id: eos };
}

/** Every tensor of a model: its name in a safetensors file, and its shape. */
export function parameters(c: ModelConfig): ReadonlyMap<string, readonly number[]> {
  const [h, q, kv] = [c.hidden_size, c.num_attention_heads * c.head_dim, c.num_key_value_heads * c.head_dim];
  const out = new Map<string, readonly number[]>([['model.embed_tokens.weight', [c.vocab_size, h]]]);
  for (let i = 0; i < c.num_hidden_layers; i++) {
    const layer = `model.layers.${i}`;
    out.set(`${layer}.input_layernorm.weight`, [h]);
    out.set(`${layer}.self_attn.q_proj.weight`, [q, h]);
    out.set(`${layer}.self_attn.k_proj.weight`, [kv, h]);
    out.set(`${layer}.self_attn.v_proj.weight`, [kv, h]);
    out.set(`${layer}.self_attn.o_proj.weight`, [h, q]);
    out.set(`${layer}.post_attention_layernorm.weight`, [h]);
    out.set(`${layer}.mlp.gate_proj.weight`, [c.intermediate_size, h]);
    out.set(`${layer}.mlp.up_proj.weight`, [c.intermediate_size, h]);
    out.set(`${layer}.mlp.down_proj.weight`, [h, c.intermediate_size]);
  }
  out.set('model.norm.weight', [h]);
  out.set('lm_head.weight', [c.vocab_size, h]);
  return out;
}
