import type { Flow } from '../flow/flow.ts'
import type { PairMotion } from './pair-motion.ts'
import type { Sum } from './sum.ts'

/**
 * Motion fidelity: mean end-point error in pixels between the flow estimated on a video and the source's, where the source's flow there and
 * back misses by less than 1 px.
 *
 * @param own Flow t -> t + 1 of the video. @param region 1 where a pixel of t counts.
 */
export function motionError(own: Flow, motion: PairMotion, region: Uint8Array): Sum {
  const { forward } = motion
  let [total, count] = [0, 0]
  for (let i = 0; i < region.length; i++) {
    if ((motion.consistent[i]! & region[i]!) === 0) continue
    total += Math.hypot(own.data[2 * i]! - forward.data[2 * i]!, own.data[2 * i + 1]! - forward.data[2 * i + 1]!)
    count++
  }
  return { total, count }
}
