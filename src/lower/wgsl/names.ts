// Names in emitted WGSL: the source's where there is one, made legal and unique, in order of appearance so that equal input
// gives equal bytes. Knows WGSL's reserved words and the names that this back end uses itself.

const RESERVED = new Set(
  `alias break case const const_assert continue continuing default diagnostic discard else enable false fn for if let loop
override requires return struct switch true var while abstract active alignas alignof as asm asm_fragment async attribute auto
await become binding_array cast catch class co_await co_return co_yield coherent column_major common compile compile_fragment
concept const_cast consteval constexpr constinit crate debugger decltype delete demote demote_to_helper do dynamic_cast enum
explicit export extends extern external fallthrough filter final finally friend from fxgroup get goto groupshared highp impl
implements import inline instanceof interface layout lowp macro macro_rules match mediump meta mod module move mut mutable
namespace new nil noexcept noinline nointerpolation non_coherent noncoherent noperspective null nullptr of operator package
packoffset partition pass patch pixelfragment precise precision premerge priv protected pub public readonly ref regardless
register reinterpret_cast require resource restrict self set shared sizeof smooth snorm static static_assert static_cast std
subroutine super target template this thread_local throw trait try type typedef typeid typename typeof union unless unorm
unsafe unsized use using varying virtual volatile wgsl where with writeonly yield
abs all any atan2 atomicAdd bitcast bool ceil clamp cos exp exp2 f16 f32 floor fma i32 log log2 max min mix pow round select
sign sin sqrt step tan trunc u32 vec2 vec3 vec4 array atomic ptr mat2x2 main u tid sg operands results pid0 pid1 pid2 smem tiles counts wg nwg program programs slice0 slice1 local
subgroupShuffleXor workgroupBarrier storageBarrier workgroupUniformLoad inverseSqrt erf fmod fne is_nan`.split(/\s+/),
);

export class Names {
  private readonly used = new Set<string>();
  private readonly next = new Map<string, number>();
  /** A fresh name like `hint`. Value names of device functions may contain anything. */
  fresh(hint: string | undefined): string {
    let base =
      (hint ?? 'v')
        .replace(/[^A-Za-z0-9_]/g, '_')
        .replace(/^_+/, '')
        .replace(/^(\d)/, 'v$1') || 'v';
    if (base.startsWith('__')) base = base.slice(2);
    const taken = (n: string): boolean =>
      this.used.has(n) || RESERVED.has(n) || /^(tl|i64|u64|f16|bf16|fp8e4nv|fp8e5|cast|bits_as|uniform|make_uniform)_/.test(n);
    let name = base;
    if (hint === undefined || taken(base)) {
      let k = this.next.get(base) ?? 0;
      do name = `${base}_${k++}`;
      while (taken(name));
      this.next.set(base, k);
    }
    this.used.add(name);
    return name;
  }
  /** Takes a name that must stay as it is. */
  reserve(name: string): string {
    this.used.add(name);
    return name;
  }
}

/** A name of the interface (buffer, uniform field), made legal; distinct names stay distinct. Parts: `args[1]` is `args__1`. */
export function safeName(name: string): string {
  const legal = name
    .replace(/\]/g, '')
    .replace(/[.[]/g, '__')
    .replace(/[^A-Za-z0-9_]/g, '_')
    .replace(/^__+/, '_');
  const own =
    name.includes('__') ||
    RESERVED.has(legal) ||
    legal === '_' ||
    /^(base_|grid\d|zero$|inf$|neg_inf$|nan$|fma_[xy]$|tessera_|tl_|i64_|u64_|f16_|bf16_|fp8e4nv_|fp8e5_|cast_|bits_as_|uniform_|make_uniform_)/.test(
      legal,
    );
  return own || /_$/.test(legal) ? `${legal}_` : legal;
}
