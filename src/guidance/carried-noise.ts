import type { Latent, LatentShape } from '../diffusion/denoiser.ts'
import type { Flow } from '../flow/flow.ts'
import { thresholdScale } from '../flow/reliability.ts'

/**
 * Noise that moves with the picture. Every cell of the latent holds one draw (its values in all channels), and the draw
 * knows its true place, so that slow motion adds up instead of being rounded away.
 */
export interface CarriedNoise {
  readonly shape: LatentShape
  readonly noise: Latent
  /** From each cell's centre to the true place of its draw, `[height * width * 2]`, (dx, dy) in cells, -2.5 to 2.5. */
  readonly offsets: Float32Array
  /** Share of the cells whose draw came from the frame before, 0..1. */
  readonly carried: number
}

/** How a frame came out of the one before, in pixels of any resolution; see `Motion`. */
export interface NoiseMotion {
  /** Previous -> current. */
  readonly forward: Flow
  /** Current -> previous: tells apart what stays visible from what is covered. */
  readonly backward: Flow
}

/** The first frame of a shot. @throws TypeError if the noise does not fill the shape. */
export function startCarriedNoise(noise: Latent, shape: LatentShape): CarriedNoise {
  checkNoise(noise, shape)
  return { shape, noise, offsets: new Float32Array(shape.height * shape.width * 2), carried: 0 }
}

/**
 * Moves each draw along the flow into the cell where it arrives. Where several arrive, the one that stays visible goes
 * before one that is covered, then the one nearest to the cell's centre. The others take the nearest empty cell at most
 * two away and return to their place when they can (without this, nine of ten draws are lost within 8 frames of a turn or
 * zoom); what finds none, is covered, or leaves the frame is gone. Cells that stay empty take their draw from `fresh`.
 *
 * The result is white noise again, exactly: no value is averaged or used twice, and which draw lands where depends on the
 * flow alone, never on the values. So it is a selection of distinct independent standard normals; interpolated noise,
 * whose neighbours are alike and whose variance is less, is not.
 *
 * @param fresh Standard normals that no frame before this one had a part of, as long as the latent.
 * @throws TypeError if the flows or `fresh` have the wrong size.
 * @see for other ways to the same end: Chang et al. 2024, arXiv:2504.03072; Burgert et al. 2025, arXiv:2501.08331
 */
export function carryNoise(previous: CarriedNoise, motion: NoiseMotion, fresh: Latent): CarriedNoise {
  const { shape, noise } = previous
  const { channels, height, width } = shape
  checkNoise(fresh, shape)
  const moved = moveDraws(previous, motion)
  const chosen = chooseDraws(moved, shape)
  const cells = height * width
  const out = Float32Array.from(fresh)
  const offsets = new Float32Array(cells * 2)
  let carried = 0
  for (let cell = 0; cell < cells; cell++) {
    const from = chosen[cell]!
    if (from < 0) continue
    carried++
    const target = moved.targets[from]!
    offsets[2 * cell] = moved.insets[2 * from]! + (target % width) - (cell % width)
    offsets[2 * cell + 1] = moved.insets[2 * from + 1]! + Math.floor(target / width) - Math.floor(cell / width)
    for (let c = 0; c < channels; c++) out[c * cells + cell] = noise[c * cells + from]!
  }
  alignFresh(offsets, chosen, width)
  return { shape, noise: out, offsets, carried: carried / cells }
}

/** Where the draw of each cell went. */
interface MovedDraws {
  /** The cell its place is in, -1 outside of the frame. */
  readonly targets: Int32Array
  /** (dx, dy) from that cell's centre, -0.5 to 0.5 cells. */
  readonly insets: Float32Array
  /** Squared length of the inset, and 1 more if the draw is covered there. */
  readonly costs: Float32Array
}

function moveDraws({ shape, offsets }: CarriedNoise, { forward, backward }: NoiseMotion): MovedDraws {
  const { height, width } = shape
  if (forward.width !== backward.width || forward.height !== backward.height)
    throw new TypeError(
      `Both flows must have one size, got ${forward.width}x${forward.height} and ${backward.width}x${backward.height}.`,
    )
  const slack = 0.5 * thresholdScale(forward.width, forward.height) ** 2
  const [pixelsX, pixelsY] = [forward.width / width, forward.height / height]
  const targets = new Int32Array(height * width).fill(-1)
  const insets = new Float32Array(height * width * 2)
  const costs = new Float32Array(height * width)
  const there = new Float64Array(2)
  const back = new Float64Array(2)
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i++) {
      // Relative to the cell, so that cells that move alike are rounded alike and pass into the next ones in one frame.
      const fromX = 0.5 + offsets[2 * i]!
      const fromY = 0.5 + offsets[2 * i + 1]!
      sampleFlow(forward, (x + fromX) * pixelsX, (y + fromY) * pixelsY, there)
      const toX = fromX + there[0]! / pixelsX
      const toY = fromY + there[1]! / pixelsY
      const [stepX, stepY] = [Math.floor(toX), Math.floor(toY)]
      const [column, row] = [x + stepX, y + stepY]
      if (!(column >= 0 && column < width && row >= 0 && row < height)) continue
      sampleFlow(backward, (x + toX) * pixelsX, (y + toY) * pixelsY, back)
      const [dx, dy] = [toX - stepX - 0.5, toY - stepY - 0.5]
      targets[i] = row * width + column
      insets[2 * i] = dx
      insets[2 * i + 1] = dy
      costs[i] = dx * dx + dy * dy + (isCovered(there, back, slack) ? 1 : 0)
    }
  return { targets, insets, costs }
}

/** The draw that each cell takes, named by the cell it comes from; -1 where none. */
function chooseDraws(moved: MovedDraws, shape: LatentShape): Int32Array {
  const { targets, costs } = moved
  const chosen = new Int32Array(targets.length).fill(-1)
  for (let i = 0; i < targets.length; i++) {
    const target = targets[i]!
    if (target < 0) continue
    const rival = chosen[target]!
    if (rival < 0 || costs[i]! < costs[rival]!) chosen[target] = i
  }
  for (let i = 0; i < targets.length; i++) {
    const target = targets[i]!
    if (target < 0 || chosen[target] === i || costs[i]! >= 1) continue
    const free = nearestFree(i, chosen, moved, shape)
    if (free >= 0) chosen[free] = i
  }
  return chosen
}

/** How far from the cell its place is in a draw may be kept, in cells. */
const reach = 2

/** The empty cell that is nearest to the place of a draw, -1 if there is none within reach. */
function nearestFree(draw: number, chosen: Int32Array, { targets, insets }: MovedDraws, { width, height }: LatentShape): number {
  const column = targets[draw]! % width
  const row = (targets[draw]! - column) / width
  let nearest = Infinity
  let free = -1
  for (let y = Math.max(row - reach, 0); y <= Math.min(row + reach, height - 1); y++)
    for (let x = Math.max(column - reach, 0); x <= Math.min(column + reach, width - 1); x++) {
      if (chosen[y * width + x]! >= 0) continue
      const distance = (column + insets[2 * draw]! - x) ** 2 + (row + insets[2 * draw + 1]! - y) ** 2
      if (distance >= nearest) continue
      nearest = distance
      free = y * width + x
    }
  return free
}

/**
 * Fresh draws are laid as their neighbours lie in their cells, so that in a steady motion all of them pass into the next
 * cell at the same time, and none is in another's way.
 */
function alignFresh(offsets: Float32Array, chosen: Int32Array, width: number): void {
  const known = Uint8Array.from(chosen, (from) => (from < 0 ? 0 : 1))
  const align = (cell: number, step: 1 | -1): void => {
    if (known[cell] === 1) return
    const column = (cell % width) + step
    const beside = column >= 0 && column < width && known[cell + step] === 1 ? cell + step : cell + step * width
    if (known[beside] !== 1) return
    for (let c = 0; c < 2; c++) offsets[2 * cell + c] = offsets[2 * beside + c]! - Math.round(offsets[2 * beside + c]!)
    known[cell] = 1
  }
  for (let cell = 0; cell < chosen.length; cell++) align(cell, -1)
  for (let cell = chosen.length - 1; cell >= 0; cell--) align(cell, 1)
}

/** The flow there and back misses by more than its length excuses: Sundaram et al. 2010, equation 5. */
function isCovered(there: Float64Array, back: Float64Array, slack: number): boolean {
  const [fx, fy, bx, by] = [there[0]!, there[1]!, back[0]!, back[1]!]
  return (fx + bx) ** 2 + (fy + by) ** 2 > 0.01 * (fx * fx + fy * fy + bx * bx + by * by) + slack
}

/** Bilinear, at a position whose whole numbers are the edges between pixels; the flow's edge is repeated. */
function sampleFlow({ width, height, data }: Flow, px: number, py: number, out: Float64Array): void {
  const x = Math.min(Math.max(px - 0.5, 0), width - 1)
  const y = Math.min(Math.max(py - 0.5, 0), height - 1)
  const left = Math.floor(x)
  const top = Math.floor(y)
  const right = Math.min(left + 1, width - 1)
  const bottom = Math.min(top + 1, height - 1)
  const [fx, fy] = [x - left, y - top]
  for (let c = 0; c < 2; c++) {
    const a = data[2 * (top * width + left) + c]!
    const b = data[2 * (top * width + right) + c]!
    const d = data[2 * (bottom * width + left) + c]!
    const e = data[2 * (bottom * width + right) + c]!
    // This form gives a flow that is the same everywhere to the last bit.
    const above = a + (b - a) * fx
    const below = d + (e - d) * fx
    out[c] = above + (below - above) * fy
  }
}

function checkNoise(noise: Latent, { channels, height, width }: LatentShape): void {
  const count = channels * height * width
  if (noise.length !== count) throw new TypeError(`The noise must have ${count} values, got ${noise.length}.`)
}
