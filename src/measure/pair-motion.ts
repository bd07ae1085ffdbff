import type { Flow } from '../flow/flow.ts'
import { warpChannels } from '../flow/warp.ts'

/** The motion of the source between frame t and frame t + 1, as the measures need it. Masks hold 1 where a pixel counts, else 0. */
export interface PairMotion {
  readonly width: number
  readonly height: number
  /** t -> t + 1, on t. */
  readonly forward: Flow
  /** t + 1 -> t, on t + 1. */
  readonly backward: Flow
  /** Length of `forward` in pixels, on t. */
  readonly speed: Float32Array
  /** Lai's mask, on t: neither occluded nor at a motion boundary. */
  readonly visible: Uint8Array
  /** On t: there and back again misses by less than 1 px. */
  readonly consistent: Uint8Array
  /** The same on t + 1, from `backward`. */
  readonly consistentBack: Uint8Array
  /** On t + 1: shown for the first time, because something moved away from before it or because it came into the frame. */
  readonly uncovered: Uint8Array
}

/**
 * What the flows between two frames say about where errors can be measured.
 *
 * `visible` is the mask of the warp error: with wb = W(B, F) a pixel is left out where `|F + wb|^2 > 0.01 (|F|^2 + |wb|^2) + 0.5` or
 * where `|grad u|^2 + |grad v|^2 > 0.01 |F|^2 + 0.002` (forward differences of F, 0 in the last column and row).
 *
 * @throws TypeError if the sizes differ.
 * @see Lai et al., Learning blind video temporal consistency, ECCV 2018; the mask is of Ruder et al. 2016, arXiv:1604.08610
 */
export function pairMotion(forward: Flow, backward: Flow): PairMotion {
  const { width, height } = forward
  if (backward.width !== width || backward.height !== height)
    throw new TypeError(
      `Forward flow is ${width}x${height}, backward flow ${backward.width}x${backward.height}: they must be equal.`,
    )
  const pixels = width * height
  const speed = new Float32Array(pixels)
  for (let i = 0; i < pixels; i++) speed[i] = Math.hypot(forward.data[2 * i]!, forward.data[2 * i + 1]!)

  const there = roundTrip(forward, backward)
  const visible = new Uint8Array(pixels)
  const consistent = new Uint8Array(pixels)
  for (let i = 0; i < pixels; i++) {
    visible[i] = there.miss[i]! > 0.01 * there.length[i]! + 0.5 || boundary(forward, i) ? 0 : 1
    consistent[i] = there.miss[i]! < 1 ? 1 : 0
  }

  const back = roundTrip(backward, forward)
  const consistentBack = new Uint8Array(pixels)
  const uncovered = new Uint8Array(pixels)
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const px = x + backward.data[2 * i]!
      const py = y + backward.data[2 * i + 1]!
      // Half a pixel outside still shows the edge pixel's own content.
      const outside = px < -0.5 || px > width - 0.5 || py < -0.5 || py > height - 0.5
      consistentBack[i] = back.miss[i]! < 1 ? 1 : 0
      uncovered[i] = outside || back.miss[i]! > 0.01 * back.length[i]! + 0.5 ? 1 : 0
    }
  }
  return { width, height, forward, backward, speed, visible, consistent, consistentBack, uncovered }
}

/** Per pixel `|a + wb|^2` and `|a|^2 + |wb|^2`, with wb = b sampled where a leads. */
function roundTrip(a: Flow, b: Flow): { miss: Float32Array; length: Float32Array } {
  const wb = warpChannels(b.data, { channels: 2, order: 'interleaved' }, a, 'linear')
  const miss = new Float32Array(a.width * a.height)
  const length = new Float32Array(a.width * a.height)
  for (let i = 0, q = 0; i < miss.length; i++, q += 2) {
    const [u, v, wu, wv] = [a.data[q]!, a.data[q + 1]!, wb[q]!, wb[q + 1]!]
    miss[i] = (u + wu) * (u + wu) + (v + wv) * (v + wv)
    length[i] = u * u + v * v + wu * wu + wv * wv
  }
  return { miss, length }
}

function boundary(flow: Flow, i: number): boolean {
  const { width, height, data } = flow
  const right = (i + 1) % width === 0 ? 0 : 2
  const down = i >= width * (height - 1) ? 0 : 2 * width
  const q = 2 * i
  const ux = data[q + right]! - data[q]!
  const uy = data[q + down]! - data[q]!
  const vx = data[q + 1 + right]! - data[q + 1]!
  const vy = data[q + 1 + down]! - data[q + 1]!
  const length = data[q]! * data[q]! + data[q + 1]! * data[q + 1]!
  return ux * ux + uy * uy + vx * vx + vy * vy > 0.01 * length + 0.002
}
