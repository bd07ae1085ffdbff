import { warpChannels } from '../flow/warp.ts'
import type { PairMotion } from './pair-motion.ts'
import { emptySum, type Sum } from './sum.ts'

/** Fewer still pixels than this in a window say nothing, and the window is skipped. */
const leastStillPixels = 50

/** 1 where the source moves less than half a pixel, on frame t of the pair. */
export function stillPixels(motion: PairMotion): Uint8Array {
  const still = new Uint8Array(motion.speed.length)
  for (let i = 0; i < still.length; i++) still[i] = motion.speed[i]! < 0.5 ? 1 : 0
  return still
}

/**
 * Static flicker of one window of frames: the population standard deviation over time, a channel, where the source stands still in
 * every pair and the region holds in every frame. Mean over channels and pixels, in 8-bit units. Our definition, for windows of 3 and 5.
 *
 * @param frames RGB 0..255, in order. @param masks Still pixels of every pair and regions of every frame; all must hold.
 * @returns A sum over pixels; empty where fewer than 50 pixels stand still.
 */
export function staticFlicker(frames: readonly Float32Array[], masks: readonly Uint8Array[]): Sum {
  const pixels = frames[0]!.length / 3
  const n = frames.length
  let total = 0
  let count = 0
  for (let i = 0; i < pixels; i++) {
    let still = 1
    for (let k = 0; k < masks.length; k++) still &= masks[k]![i]!
    if (still === 0) continue
    count++
    for (let q = 3 * i; q < 3 * i + 3; q++) {
      let sum = 0
      for (let k = 0; k < n; k++) sum += frames[k]![q]!
      const mean = sum / n
      let squares = 0
      for (let k = 0; k < n; k++) squares += (frames[k]![q]! - mean) ** 2
      total += Math.sqrt(squares / n) / 3
    }
  }
  return count < leastStillPixels ? emptySum : { total, count }
}

/**
 * Second difference of one frame: how far it lies off the mean of its neighbours brought onto it, `|W(before) - 2 V + W(after)| / 2`,
 * where both neighbours' flows there and back miss by less than 1 px. A frame that jumps out and back shows here; steady change does not.
 * Mean over channels and pixels, in 8-bit units.
 *
 * @param before, frame, after RGB 0..255 of t - 1, t, t + 1. @param earlier The motion t - 1 -> t. @param later The motion t -> t + 1.
 */
export function secondDifference(
  before: Float32Array,
  frame: Float32Array,
  after: Float32Array,
  earlier: PairMotion,
  later: PairMotion,
  region: Uint8Array,
): Sum {
  const layout = { channels: 3, order: 'interleaved' } as const
  const from = warpChannels(before, layout, earlier.backward, 'linear')
  const to = warpChannels(after, layout, later.forward, 'linear')
  let total = 0
  let count = 0
  for (let i = 0; i < region.length; i++) {
    if ((earlier.consistentBack[i]! & later.consistent[i]! & region[i]!) === 0) continue
    for (let q = 3 * i; q < 3 * i + 3; q++) total += Math.abs(from[q]! - 2 * frame[q]! + to[q]!) / 6
    count++
  }
  return { total, count }
}
