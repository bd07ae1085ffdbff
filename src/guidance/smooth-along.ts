import { warpImage } from '../flow/warp.ts'
import type { Way } from '../flow/way.ts'
import type { FloatImage } from '../image/frame.ts'
import { mixSharply } from './mix.ts'
import { believed } from './two-sided.ts'

/** A frame near the one that is smoothed, and the way from that one to it. */
export interface Neighbour {
  /** Its picture as it was given, 0..1. */
  readonly image: FloatImage
  readonly way: Pick<Way, 'flow' | 'trust'>
  /** Frames between the two, at least 1. */
  readonly distance: number
}

/**
 * A frame as the mean of what its neighbours show at the same points of the moving picture, each moved once along the composed flow and
 * counted as far as that is believed; nearer ones count more. The drawing keeps the strength it has in the single frames.
 *
 * @param image The frame itself, 0..1.
 * @param reach Frames to either side that are looked at; the counts fall like a Gaussian of sigma reach / 1.5.
 */
export function smoothAlong(image: FloatImage, neighbours: readonly Neighbour[], reach: number): FloatImage {
  if (neighbours.length === 0) return image
  const count = image.width * image.height
  const pictures = [image, ...neighbours.map((one) => warpImage(one.image, one.way.flow, 'cubic'))]
  const shares = pictures.map(() => new Float32Array(count).fill(1))
  for (const [n, { way, distance }] of neighbours.entries()) {
    const most = Math.exp(-((distance * 1.5) ** 2) / (2 * reach * reach))
    for (let i = 0; i < count; i++) shares[n + 1]![i] = most * believed(way.trust.data[i]!)
  }
  for (let i = 0; i < count; i++) {
    let sum = 0
    for (const share of shares) sum += share[i]!
    for (const share of shares) share[i] = share[i]! / sum
  }
  return mixSharply(pictures, shares)
}
