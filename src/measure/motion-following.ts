import type { PairMotion } from './pair-motion.ts'
import type { Sum } from './sum.ts'

/**
 * Does the picture move with the source? Where the source moves more than 1 px (and its flow there and back agrees), compares how much the
 * picture changes in place with how much it changes along the motion: `1 - along / (along + in place)`, differences added up over the pixels.
 * 1 moves exactly with the source, 0.5 does not care about it, towards 0 stands still while the source moves (frozen frames, a texture stuck
 * to the screen). Our definition: it needs no flow of the result.
 *
 * @param frame V_t, RGB 0..255. @param next V_(t+1). @param warped V_(t+1) brought onto t.
 * @returns `along` and `inPlace`: sums of absolute differences, mean over channels.
 */
export function motionFollowing(
  frame: Float32Array,
  next: Float32Array,
  warped: Float32Array,
  motion: PairMotion,
  region: Uint8Array,
): { along: number; inPlace: number } {
  let along = 0
  let inPlace = 0
  for (let i = 0; i < region.length; i++) {
    if ((motion.consistent[i]! & region[i]!) === 0 || motion.speed[i]! <= 1) continue
    for (let q = 3 * i; q < 3 * i + 3; q++) {
      along += Math.abs(warped[q]! - frame[q]!) / 3
      inPlace += Math.abs(next[q]! - frame[q]!) / 3
    }
  }
  return { along, inPlace }
}

/** {@link motionFollowing} as a sum whose mean over pairs is the measure. Empty where nothing moves or the picture has no detail there. */
export function followingSum({ along, inPlace }: { along: number; inPlace: number }): Sum {
  const both = along + inPlace
  return both < 1e-9 ? { total: 0, count: 0 } : { total: inPlace, count: both }
}
