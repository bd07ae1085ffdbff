import type { Frame } from '../src/image/frame.ts'
import type { Flow } from '../src/flow/flow.ts'

/** Motion of a point (x, y) in pixels. */
export type MotionField = (x: number, y: number) => readonly [u: number, v: number]

/**
 * Two pictures of one procedural texture and the exact flow between them: `from(x) = to(x + flow(x))`, so there is no error of resampling in
 * the truth, only the rounding of the pictures to 8 bit.
 */
export function movingTexture(width: number, height: number, field: MotionField): { from: Frame; to: Frame; flow: Flow } {
  const from = new Uint8Array(width * height * 3)
  const to = new Uint8Array(width * height * 3)
  const data = new Float32Array(width * height * 2)
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const [u, v] = field(x, y)
      data[2 * i] = u
      data[2 * i + 1] = v
      for (let c = 0; c < 3; c++) {
        from[3 * i + c] = texture(x + u, y + v, c)
        to[3 * i + c] = texture(x, y, c)
      }
    }
  }
  return { from: { width, height, data: from }, to: { width, height, data: to }, flow: { width, height, data } }
}

/** Smooth noise of several sizes at any position, 0..255. */
function texture(x: number, y: number, channel: number): number {
  let sum = 0
  let weights = 0
  for (const [octave, size] of [37, 19, 11, 6].entries()) {
    const weight = Math.sqrt(size)
    sum += weight * noise(x / size + 0.37 * octave, y / size + 0.71 * octave, 8 * octave + channel)
    weights += weight
  }
  return Math.round(Math.min(255, Math.max(0, 128 + 230 * (sum / weights - 0.5))))
}

/** Value noise with continuous second derivatives, 0..1. */
function noise(x: number, y: number, seed: number): number {
  const x0 = Math.floor(x)
  const y0 = Math.floor(y)
  const fx = fade(x - x0)
  const fy = fade(y - y0)
  const above = lattice(x0, y0, seed) * (1 - fx) + lattice(x0 + 1, y0, seed) * fx
  const below = lattice(x0, y0 + 1, seed) * (1 - fx) + lattice(x0 + 1, y0 + 1, seed) * fx
  return above * (1 - fy) + below * fy
}

function fade(t: number): number {
  return t * t * t * (t * (6 * t - 15) + 10)
}

function lattice(x: number, y: number, seed: number): number {
  let h = Math.imul(x, 0x27d4eb2d) ^ Math.imul(y, 0x165667b1) ^ Math.imul(seed + 1, 0x9e3779b1)
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32
}

/** Mean distance of vectors, in pixels, over those that `counts` says (all by default). */
export function endPointError(flow: Flow, truth: Flow, counts?: Uint8Array): number {
  let sum = 0
  let n = 0
  for (let i = 0; i < flow.width * flow.height; i++) {
    if (counts?.[i] === 0) continue
    sum += Math.hypot(flow.data[2 * i]! - truth.data[2 * i]!, flow.data[2 * i + 1]! - truth.data[2 * i + 1]!)
    n++
  }
  return sum / n
}
