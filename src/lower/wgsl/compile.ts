// The WGSL back end's entry: tile IR to a WgslProgram. Comes in: a traced (or already cleaned) function, a target. Goes out:
// the module's text with everything needed to launch it, and the lane IR on request. It runs the passes in order and knows no
// op; it never talks to a device.

import { CompileError, fail } from '../../dsl/diagnostics.ts';
import type { Func } from '../../dsl/ir/ir.ts';
import { LOWER } from '../messages.ts';
import { planAccess } from '../passes/access.ts';
import { assignLayouts, chooseInvocations } from '../passes/assignLayouts.ts';
import { analyzeAxis } from '../passes/axis.ts';
import { barriers } from '../passes/barriers.ts';
import { coarsen } from '../passes/coarsen.ts';
import { dce } from '../passes/dce.ts';
import { Distributor } from '../passes/distribute.ts';
import { matrixInvocations, planFragments } from '../passes/fragments.ts';
import { laneDce } from '../passes/laneDce.ts';
import { log2 } from '../passes/layout.ts';
import { matrixPasses } from '../passes/matrix.ts';
import { mergeStores } from '../passes/mergeStores.ts';
import { packedCopies } from '../passes/packedCopies.ts';
import { pointerCarry } from '../passes/pointerCarry.ts';
import { pointerChoice } from '../passes/pointerChoice.ts';
import { analyzePointers } from '../passes/pointers.ts';
import { longestFirst, programOrder } from '../passes/programOrder.ts';
import { uniformConditions } from '../passes/uniformConditions.ts';
import { again, type Pass, type PipelineOptions, runPipeline, tilePasses } from '../pipeline.ts';
import type { Target, WgslProgram } from '../program.ts';
import { moduleOf } from './module.ts';

/** What runs on lane IR after distribution, top to bottom. */
export const lanePasses: readonly Pass[] = [mergeStores, packedCopies, laneDce, barriers, uniformConditions, coarsen];

/** What WGSL needs of tile IR besides. */
export const targetPasses: readonly Pass[] = [pointerCarry, pointerChoice, again(dce, 'pointers between buffers are unused now')];

export interface CompileOptions extends PipelineOptions {
  /** Invocations a program; a power of two. Default: by the tiles. */
  readonly workgroupSize?: number;
  /** Triton's launch option: a wish, see `chooseInvocations`. */
  readonly num_warps?: number;
  /** The function has been through the tile passes already. */
  readonly clean?: boolean;
}
export interface Lowered {
  readonly program: WgslProgram;
  /** Tile IR after the passes, and the lane IR that the text was printed from. */
  readonly tile: Func;
  readonly lane: Func;
}

/** Compiles a tile-level function for a target. Errors: TL3xxx with the place in the kernel's source. */
export function compileWgsl(func: Func, target: Target, options: CompileOptions = {}): WgslProgram {
  return lowerToWgsl(func, target, options).program;
}

/** `compileWgsl` with the IR of both levels. */
export function lowerToWgsl(func: Func, target: Target, options: CompileOptions = {}): Lowered {
  const clean = options.clean ? func : runPipeline(func, tilePasses, options).func;
  const tile = runPipeline(clean, targetPasses, { verify: options.verify, dumpAfter: options.dumpAfter }).func;
  return (
    onMatrixUnits(tile, target, options) ??
    toLanes(tile, target, options, options.workgroupSize ?? chooseInvocations(tile, analyzeAxis(tile), target, options.num_warps))
  );
}

/** The function with its f16 products on the device's matrix units; undefined if it has none, or they do not fit there. */
function onMatrixUnits(func: Func, target: Target, options: CompileOptions): Lowered | undefined {
  if (!matrixInvocations(func, target)) return undefined;
  const passes = options.after === undefined ? options : { verify: options.verify, dumpAfter: options.dumpAfter };
  const tile = runPipeline(func, matrixPasses(target), passes).func;
  try {
    const lowered = toLanes(
      tile,
      target,
      options,
      matrixInvocations(tile, target, options.workgroupSize ?? 32 * (options.num_warps ?? 0))!,
      true,
    );
    return lowered.program.workgroupStorage <= target.maxWorkgroupStorage ? lowered : undefined;
  } catch (e) {
    if (e instanceof CompileError && e.diagnostics.every((d) => UNFIT.includes(d.code))) return undefined;
    throw e;
  }
}
/** Errors after which another lowering may still do: workgroup memory, an access that matrix units cannot be fed from. */
const UNFIT: readonly string[] = [LOWER.workgroupMemory.code, LOWER.opUnsupported.code, LOWER.tooManyElements.code];

function toLanes(tile: Func, target: Target, options: CompileOptions, size: number, matrices = false): Lowered {
  const pointers = analyzePointers(tile);
  const axis = analyzeAxis(tile);
  if (size > target.maxInvocations) fail(tile.loc, LOWER.invocations, size, target.maxInvocations);
  const fragments = matrices ? planFragments(tile, axis, pointers, target, log2(size)) : undefined;
  const plan = assignLayouts(tile, axis, pointers, log2(size), fragments);
  const access = planAccess(tile, plan, axis, pointers, target);
  const out = new Distributor(tile, plan, access, target).run();
  const buffers = access.buffers.length + (out.sites.length ? 1 : 0);
  if (buffers > target.maxStorageBuffers) {
    const names = [...access.buffers.map((b) => b.name), ...(out.sites.length ? ['the log of device_print'] : [])];
    fail(tile.loc, LOWER.storageBuffers, buffers, target.maxStorageBuffers, names.join(', '));
  }
  const attrs = {
    ...tile.attrs,
    workgroup_size: 1 << plan.lanes,
    workgroup_words: out.words,
    workgroup_limit: target.maxInvocations,
    program_order: programOrder(tile),
    backwards: longestFirst(tile),
  };
  const spread: Func = { ...tile, level: 'lane', body: out.body, attrs };
  options.dumpAfter?.('distribute', spread);
  const lane = runPipeline(spread, lanePasses, { verify: options.verify, dumpAfter: options.dumpAfter }).func;
  return { program: moduleOf(tile, lane, plan, access, out, target), tile, lane };
}
