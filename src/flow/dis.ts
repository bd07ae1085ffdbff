import type { Frame } from '../image/frame.ts'
import { densify } from './densify.ts'
import type { Flow, FlowEstimator } from './flow.ts'
import { luma } from '../image/color.ts'
import { patchGrid, patchSize, searchPatches, type PatchGrid } from './patch-search.ts'
import { doubleFlow, halve, levelShape, pad, type LevelShape } from './pyramid.ts'
import { refineFlow, refinementScratch, type RefinementOptions, type RefinementScratch } from './variational-refinement.ts'

export interface DisOptions {
  /** Finest pyramid level on which patches are matched; 0 is full size, each further level half the sides. */
  readonly finest: number
  /** Pixels from patch to patch. */
  readonly stride: number
  /** Most Gauss-Newton steps a patch and sweep. */
  readonly iterations: number
  /** Refinement of the levels that have patches. */
  readonly refinement: RefinementOptions
  /** Refinement of the finer ones, down to `finishTo`, which begin with the doubled flow. */
  readonly finish: RefinementOptions
  /** Finest level that is refined, at most `finest`; beyond it the flow is only enlarged. */
  readonly finishTo: number
}

export type DisPreset = 'fast' | 'medium' | 'fine'

const refinement: RefinementOptions = { alpha: 20, delta: 5, gamma: 10, warps: 1, rounds: 3, sweeps: 5 }
const finish: RefinementOptions = { ...refinement, rounds: 1 }

/** `medium` is the default, `fast` for previews, `fine` for measuring. What they cost and how they err: `node bench/run.mjs flow`. */
export const disPresets: Readonly<Record<DisPreset, DisOptions>> = {
  fast: { finest: 2, stride: 4, iterations: 12, refinement, finish, finishTo: 1 },
  medium: { finest: 1, stride: 4, iterations: 12, refinement, finish, finishTo: 0 },
  fine: { finest: 0, stride: 3, iterations: 25, refinement: { ...refinement, warps: 2, rounds: 4 }, finish, finishTo: 0 },
}

/**
 * Flow by dense inverse search with variational refinement.
 *
 * @param from @param to Grey pictures, 0..255, `width * height`. Beyond 4 megapixels the finest levels are left out.
 * @throws TypeError if the lengths differ from the size. @throws RangeError unless both sides are positive integers.
 * @see Kroeger, Timofte, Dai, Van Gool, ECCV 2016, arXiv:1603.03590
 */
export function disFlow(
  from: ArrayLike<number>,
  to: ArrayLike<number>,
  width: number,
  height: number,
  settings: DisPreset | DisOptions = 'medium',
): Flow {
  return createDis(settings)(from, to, width, height)
}

/** A {@link disFlow} that keeps its memory from call to call. */
export function createDis(
  settings: DisPreset | DisOptions = 'medium',
): (from: ArrayLike<number>, to: ArrayLike<number>, width: number, height: number) => Flow {
  const options = typeof settings === 'string' ? disPresets[settings] : settings
  let workspace: Workspace | undefined
  return (from, to, width, height) => {
    if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1)
      throw new RangeError(`Flow needs positive whole sides, got ${width}x${height}.`)
    if (from.length !== width * height || to.length !== width * height)
      throw new TypeError(`Pictures of ${width}x${height} have ${width * height} pixels, got ${from.length} and ${to.length}.`)
    const fits =
      workspace !== undefined && workspace.levels[0]!.shape.width === width && workspace.levels[0]!.shape.height === height
    if (workspace === undefined || !fits) workspace = createWorkspace(width, height, options)
    return run(from, to, workspace, options)
  }
}

/** DIS as a {@link FlowEstimator}; works on the calling thread. */
export function disEstimator(settings: DisPreset | DisOptions = 'medium'): FlowEstimator {
  const dis = createDis(settings)
  return {
    id: `dis ${typeof settings === 'string' ? settings : JSON.stringify(settings)}`,
    async estimate(from: Frame, to: Frame, signal?: AbortSignal): Promise<Flow> {
      signal?.throwIfAborted()
      if (from.width !== to.width || from.height !== to.height)
        throw new TypeError(`Flow needs frames of equal size, got ${from.width}x${from.height} and ${to.width}x${to.height}.`)
      return dis(luma(from.data), luma(to.data), from.width, from.height)
    },
    close: () => Promise.resolve(),
  }
}

interface Level {
  readonly shape: LevelShape
  readonly image0: Float32Array
  readonly image1: Float32Array
}

interface Workspace {
  /** Finest first. */
  readonly levels: readonly Level[]
  /** Of the levels from `finest` on. */
  readonly grids: readonly PatchGrid[]
  readonly finest: number
  readonly finishTo: number
  /** Flow, twice: a level reads the coarser one's while it makes its own. */
  readonly flow: readonly [readonly [Float32Array, Float32Array], readonly [Float32Array, Float32Array]]
  readonly scratch: RefinementScratch
}

/** Pixels beyond which the finest levels are left out, so that memory and time of large frames stay in bounds. */
const mostPixels = 4e6

function createWorkspace(width: number, height: number, options: DisOptions): Workspace {
  const skipped = Math.max(0, Math.ceil(Math.log2((width * height) / mostPixels) / 2))
  // Patches of the coarsest level span a quarter of the longer side, and fit the shorter one.
  const deepest = Math.max(0, Math.floor(Math.log2(Math.min(width, height) / patchSize)))
  const finest = Math.min(options.finest + skipped, deepest)
  const finishTo = Math.min(options.finishTo + skipped, finest)
  const coarsest = Math.max(finest, Math.min(deepest, Math.floor(Math.log2(Math.max(width, height) / (4 * patchSize)) + 0.5)))
  const levels = Array.from({ length: coarsest + 1 }, (_, l) => {
    const shape = levelShape(width >> l, height >> l)
    return { shape, image0: new Float32Array(shape.length), image1: new Float32Array(shape.length) }
  })
  const flow = (): readonly [Float32Array, Float32Array] => {
    const { length } = levels[0]!.shape
    return [new Float32Array(length), new Float32Array(length)]
  }
  return {
    levels,
    grids: levels.slice(finest).map(({ shape }) => patchGrid(shape, options.stride)),
    finest,
    finishTo,
    flow: [flow(), flow()],
    scratch: refinementScratch(levels[finishTo]!.shape.length),
  }
}

function run(from: ArrayLike<number>, to: ArrayLike<number>, workspace: Workspace, options: DisOptions): Flow {
  const { levels, grids, finest, finishTo, scratch } = workspace
  buildPyramid(from, to, levels)
  let [[u, v], [coarserU, coarserV]] = workspace.flow
  u.fill(0)
  v.fill(0)
  for (let l = levels.length - 1; l >= 0; l--) {
    const { shape, image0, image1 } = levels[l]!
    const coarser = levels[l + 1]
    if (coarser) {
      ;[u, v, coarserU, coarserV] = [coarserU, coarserV, u, v]
      doubleFlow(coarserU, coarser.shape, u, shape)
      doubleFlow(coarserV, coarser.shape, v, shape)
    }
    const grid = grids[l - finest]
    if (grid) {
      searchPatches(shape, image0, image1, u, v, grid, options.iterations)
      densify(shape, image0, image1, grid, u, v, scratch.mean)
    }
    if (l >= finishTo) refineFlow(shape, image0, image1, u, v, grid ? options.refinement : options.finish, scratch)
  }
  return collect(u, v, levels[0]!.shape)
}

function buildPyramid(from: ArrayLike<number>, to: ArrayLike<number>, levels: readonly Level[]): void {
  const [base] = levels as readonly [Level, ...Level[]]
  const line = new Float32Array(base.shape.stride)
  pad(from, base.image0, base.shape)
  pad(to, base.image1, base.shape)
  for (let l = 1; l < levels.length; l++) {
    const finer = levels[l - 1]!
    const level = levels[l]!
    halve(finer.image0, finer.shape, level.image0, level.shape, line)
    halve(finer.image1, finer.shape, level.image1, level.shape, line)
  }
}

/** Interleaves the components without their border. */
function collect(u: Float32Array, v: Float32Array, { width, height, stride, origin }: LevelShape): Flow {
  const data = new Float32Array(width * height * 2)
  for (let y = 0, o = 0; y < height; y++) {
    for (let i = origin + y * stride, end = i + width; i < end; i++, o += 2) {
      data[o] = u[i]!
      data[o + 1] = v[i]!
    }
  }
  return { width, height, data }
}
