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
  readonly refinement: RefinementOptions
}

export type DisPreset = 'fast' | 'medium' | 'fine'

const refinement: RefinementOptions = { alpha: 20, delta: 5, gamma: 10, warps: 1, rounds: 5, sweeps: 5 }

/** `fine` is for measuring, `fast` for previews. */
export const disPresets: Readonly<Record<DisPreset, DisOptions>> = {
  fast: { finest: 2, stride: 4, iterations: 16, refinement },
  medium: { finest: 1, stride: 3, iterations: 25, refinement },
  fine: { finest: 0, stride: 3, iterations: 25, refinement },
}

/**
 * Flow by dense inverse search with variational refinement.
 *
 * @param from @param to Grey pictures, 0..255, `width * height`.
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
  readonly grid: PatchGrid
}

interface Workspace {
  readonly levels: readonly Level[]
  readonly finest: number
  /** Flow, twice: a level reads the coarser one's while it makes its own. */
  readonly flow: readonly (readonly [Float32Array, Float32Array])[]
  readonly refinement: RefinementScratch
}

function createWorkspace(width: number, height: number, options: DisOptions): Workspace {
  // Patches of the coarsest level span a quarter of the longer side, and fit the shorter one.
  const deepest = Math.max(0, Math.floor(Math.log2(Math.min(width, height) / patchSize)))
  const coarsest = Math.min(deepest, Math.floor(Math.log2(Math.max(width, height) / (4 * patchSize)) + 0.5))
  const finest = Math.min(options.finest, deepest)
  const levels = Array.from({ length: Math.max(finest, coarsest) + 1 }, (_, l) => {
    const shape = levelShape(width >> l, height >> l)
    return {
      shape,
      image0: new Float32Array(shape.length),
      image1: new Float32Array(shape.length),
      grid: patchGrid(shape, options.stride),
    }
  })
  const length = levels[0]!.shape.length
  const flow = [0, 1].map(() => [new Float32Array(length), new Float32Array(length)] as const)
  return { levels, finest, flow, refinement: refinementScratch(levels[finest]!.shape.length) }
}

function run(from: ArrayLike<number>, to: ArrayLike<number>, workspace: Workspace, options: DisOptions): Flow {
  const { levels, finest } = workspace
  pad(from, levels[0]!.image0, levels[0]!.shape)
  pad(to, levels[0]!.image1, levels[0]!.shape)
  for (let l = 1; l < levels.length; l++) {
    halve(levels[l - 1]!.image0, levels[l - 1]!.shape, levels[l]!.image0, levels[l]!.shape)
    halve(levels[l - 1]!.image1, levels[l - 1]!.shape, levels[l]!.image1, levels[l]!.shape)
  }
  let [[u, v], [lastU, lastV]] = workspace.flow as [[Float32Array, Float32Array], [Float32Array, Float32Array]]
  u.fill(0)
  v.fill(0)
  for (let l = levels.length - 1; l >= 0; l--) {
    const { shape, image0, image1, grid } = levels[l]!
    if (l < levels.length - 1) {
      ;[u, v, lastU, lastV] = [lastU, lastV, u, v]
      doubleFlow(lastU, levels[l + 1]!.shape, u, shape)
      doubleFlow(lastV, levels[l + 1]!.shape, v, shape)
    }
    if (l < finest) continue
    searchPatches(shape, image0, image1, u, v, grid, options.iterations)
    densify(shape, image0, image1, grid, u, v, workspace.refinement.mean)
    refineFlow(shape, image0, image1, u, v, options.refinement, workspace.refinement)
  }
  return collect(u, v, levels[0]!.shape)
}

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
