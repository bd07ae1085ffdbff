import type { PairMotion } from './pair-motion.ts'
import type { Sum } from './sum.ts'

/** Bins of speed in pixels per frame. */
export const speedBins: readonly string[] = ['< 0.5', '0.5-1', '1-2', '2-4', '> 4']

/**
 * Squared difference a pixel, mean over the three channels (the paper's formula adds them up: 3x), for values in 0..1.
 *
 * @param a Frame t, RGB 0..255. @param b Frame t + 1 brought onto t, the same way.
 */
export function squaredDifference(a: Float32Array, b: Float32Array): Float32Array {
  const out = new Float32Array(a.length / 3)
  const scale = 1 / (3 * 255 * 255)
  for (let i = 0, q = 0; i < out.length; i++, q += 3) {
    const r = a[q]! - b[q]!
    const g = a[q + 1]! - b[q + 1]!
    const d = a[q + 2]! - b[q + 2]!
    out[i] = (r * r + g * g + d * d) * scale
  }
  return out
}

/**
 * E_warp of one pair: mean squared difference of frame t and frame t + 1 brought onto it, over what Lai's mask leaves and the region.
 * With an empty mask the sum is divided by all pixels, as the authors' code does, and so 0.
 *
 * @param difference See {@link squaredDifference}. @param region 1 where a pixel of t counts.
 * @see Lai et al., Learning blind video temporal consistency, ECCV 2018
 */
export function warpError(difference: Float32Array, motion: PairMotion, region: Uint8Array): number {
  let total = 0
  let count = 0
  for (let i = 0; i < difference.length; i++) {
    if ((motion.visible[i]! & region[i]!) === 0) continue
    total += difference[i]!
    count++
  }
  return total / (count === 0 ? difference.length : count)
}

/**
 * The same difference pooled by speed of motion, over pixels whose flow there and back misses by less than 1 px: one sum a bin of
 * {@link speedBins}. The last is the fast motion.
 */
export function warpErrorBySpeed(difference: Float32Array, motion: PairMotion, region: Uint8Array): Sum[] {
  const total = new Float64Array(speedBins.length)
  const count = new Float64Array(speedBins.length)
  for (let i = 0; i < difference.length; i++) {
    if ((motion.consistent[i]! & region[i]!) === 0) continue
    const bin = speedBin(motion.speed[i]!)
    total[bin] = total[bin]! + difference[i]!
    count[bin] = count[bin]! + 1
  }
  return Array.from(total, (sum, bin) => ({ total: sum, count: count[bin]! }))
}

/** A speed on a limit belongs to the slower bin, so the last bin is "more than 4", as it is defined; the first is "less than 0.5". */
function speedBin(speed: number): number {
  if (speed < 0.5) return 0
  if (speed <= 1) return 1
  if (speed <= 2) return 2
  return speed <= 4 ? 3 : 4
}

/** The warp errors of pairs whose second frame lies equally far behind its last keyframe. */
export interface DistanceGroup {
  /** Frames since the last keyframe; 0 is the step onto a keyframe. */
  readonly distance: number
  readonly pairs: readonly number[]
}

/**
 * Groups pairs by how long ago the last keyframe was. Pair i goes from frame i to frame i + 1. What lies before the first keyframe is left out.
 *
 * @param keyframes Frame numbers in any order.
 */
export function groupByKeyframeDistance(pairs: number, keyframes: readonly number[]): DistanceGroup[] {
  const keys = new Set(keyframes)
  const groups = new Map<number, number[]>()
  let last = keys.has(0) ? 0 : undefined
  for (let pair = 0; pair < pairs; pair++) {
    if (keys.has(pair + 1)) last = pair + 1
    if (last === undefined) continue
    const distance = pair + 1 - last
    groups.set(distance, [...(groups.get(distance) ?? []), pair])
  }
  return [...groups].map(([distance, members]) => ({ distance, pairs: members })).sort((a, b) => a.distance - b.distance)
}
