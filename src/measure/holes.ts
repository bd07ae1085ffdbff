import { gaussianBlur } from '../image/blur.ts'
import { laplacian } from './sharpness.ts'
import type { PairMotion } from './pair-motion.ts'
import { dilate, erode } from './region.ts'
import type { Sum } from './sum.ts'

/** For how many frames an uncovered area counts as just uncovered. */
export const holeFrames = 3

/** How wide the strip around holes is that they are compared with, in pixels. */
const ringWidth = 8

/** Frames since each pixel came into view, on the current frame; `Infinity` where it was in view from the beginning. */
export type UncoveredAge = Float32Array

/**
 * Carries the age of uncovered pixels on to the next frame: 0 where the pair uncovers, else one more than where the pixel came from
 * (nearest pixel). Specks of the flow's own error are removed by a 3x3 opening first.
 *
 * @param age Ages on frame t, or undefined for the first pair.
 * @returns Ages on frame t + 1.
 */
export function ageUncovered(age: UncoveredAge | undefined, motion: PairMotion): UncoveredAge {
  const { width, height, backward } = motion
  const fresh = dilate(erode(motion.uncovered, width, height, 1), width, height, 1)
  const next = new Float32Array(width * height).fill(Infinity)
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (fresh[i] === 1) {
        next[i] = 0
      } else if (age !== undefined) {
        const px = Math.min(width - 1, Math.max(0, Math.round(x + backward.data[2 * i]!)))
        const py = Math.min(height - 1, Math.max(0, Math.round(y + backward.data[2 * i + 1]!)))
        next[i] = age[py * width + px]! + 1
      }
    }
  }
  return next
}

/** How a frame compares with an independent redraw, in just-uncovered areas and in a strip around them. */
export interface HoleSums {
  /** Absolute difference of the low bands, mean over channels, 8-bit units: the wrong thing painted shows here. */
  readonly differenceInside: Sum
  readonly differenceAround: Sum
  /** Squared Laplacian of the frame and of the redraw: smears show here. */
  readonly detailInside: Sum
  readonly detailAround: Sum
  readonly redrawDetailInside: Sum
  readonly redrawDetailAround: Sum
}

/**
 * Warp error is blind where something was just uncovered: such pixels have no past and are masked out. So here the frame is compared with a
 * redraw that owes nothing to earlier frames (the unguided frame of the same settings), once inside the holes and once in the strip of 8 px
 * around them, where the two differ anyway because each is its own drawing. Our definition.
 *
 * @param frame, redraw RGB after a Gaussian of 1 px, 0..255. @param gray, redrawGray Their luma.
 * @param age See {@link ageUncovered}; ages below {@link holeFrames} are holes.
 */
export function holeSums(
  frame: { readonly rgb: Float32Array; readonly gray: Float32Array },
  redraw: { readonly rgb: Float32Array; readonly gray: Float32Array },
  age: UncoveredAge,
  width: number,
  height: number,
): HoleSums {
  const inside = new Uint8Array(age.length)
  for (let i = 0; i < inside.length; i++) inside[i] = age[i]! < holeFrames ? 1 : 0
  const around = dilate(inside, width, height, ringWidth)
  for (let i = 0; i < around.length; i++) around[i] = around[i]! & ~inside[i]! & 1
  const difference = lowBandDifference(frame.rgb, redraw.rgb, width, height)
  const detail = laplacian(frame.gray, width, height).map((value) => value * value)
  const redrawDetail = laplacian(redraw.gray, width, height).map((value) => value * value)
  return {
    differenceInside: maskedSum(difference, inside),
    differenceAround: maskedSum(difference, around),
    detailInside: maskedSum(detail, inside),
    detailAround: maskedSum(detail, around),
    redrawDetailInside: maskedSum(redrawDetail, inside),
    redrawDetailAround: maskedSum(redrawDetail, around),
  }
}

function lowBandDifference(a: Float32Array, b: Float32Array, width: number, height: number): Float32Array {
  const low = gaussianBlur(
    a.map((value, i) => value - b[i]!),
    width,
    height,
    3,
    Math.sqrt(3),
  )
  const out = new Float32Array(width * height)
  for (let i = 0, q = 0; i < out.length; i++, q += 3)
    out[i] = (Math.abs(low[q]!) + Math.abs(low[q + 1]!) + Math.abs(low[q + 2]!)) / 3
  return out
}

function maskedSum(values: Float32Array, mask: Uint8Array): Sum {
  let [total, count] = [0, 0]
  for (let i = 0; i < values.length; i++) {
    if (mask[i] === 0) continue
    total += values[i]!
    count++
  }
  return { total, count }
}

/** What the holes of a whole clip say. */
export interface HoleQuality {
  /** Share of all pixels that was just uncovered. */
  readonly share: number
  /** Difference to the redraw inside the holes and around them, 8-bit units, and inside over around: about 1 is as good as elsewhere. */
  readonly inside: number
  readonly around: number
  readonly error: number
  /** Detail against the redraw's, inside over around: 1 is as crisp as elsewhere, below 1 is smeared. */
  readonly sharpness: number
}

/** Fewer hole pixels than this in a clip say nothing. */
const leastHolePixels = 200

/** Added to both sides of the error so that two equal pictures give 1: half a grey level. */
const leastDifference = 0.5

/** Pools the sums of all frames. null where too little was uncovered. @param pixels All pixels of all frames looked at. */
export function holeQuality(frames: readonly HoleSums[], pixels: number): HoleQuality | null {
  const pool = (key: keyof HoleSums): Sum => ({
    total: frames.reduce((sum, frame) => sum + frame[key].total, 0),
    count: frames.reduce((sum, frame) => sum + frame[key].count, 0),
  })
  const insideSum = pool('differenceInside')
  const aroundSum = pool('differenceAround')
  if (insideSum.count < leastHolePixels || aroundSum.count < leastHolePixels) return null
  const inside = insideSum.total / insideSum.count
  const around = aroundSum.total / aroundSum.count
  const detail = (a: Sum, b: Sum): number => (b.total === 0 ? 1 : a.total / b.total)
  const crispInside = detail(pool('detailInside'), pool('redrawDetailInside'))
  const crispAround = detail(pool('detailAround'), pool('redrawDetailAround'))
  return {
    share: insideSum.count / pixels,
    inside,
    around,
    error: (inside + leastDifference) / (around + leastDifference),
    sharpness: crispAround === 0 ? 1 : crispInside / crispAround,
  }
}
