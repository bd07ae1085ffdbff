import type { Frame } from '../image/frame.ts'
import type { Flow } from './flow.ts'
import { flowLength } from './motion.ts'

/**
 * A flow as a picture: the hue tells the direction, the strength of the colour the length; white is still.
 *
 * @param longest Length in pixels that gets the full colour; longer ones are darkened. Default: the longest vector of this flow.
 * @see Baker, Scharstein, Lewis, Roth, Black, Szeliski, IJCV 2011 (the wheel of the Middlebury pages)
 */
export function flowPicture(flow: Flow, longest: number = longestOf(flow)): Frame {
  const { width, height, data } = flow
  const out = new Uint8Array(width * height * 3)
  const scale = longest > 0 ? 1 / longest : 0
  for (let i = 0; i < width * height; i++) {
    const u = data[2 * i]! * scale
    const v = data[2 * i + 1]! * scale
    const length = Math.hypot(u, v)
    // The wheel begins at leftward motion and turns with the angle.
    const place = ((Math.atan2(-v, -u) / Math.PI + 1) / 2) * wheelSize
    const f = place - Math.floor(place)
    const k = Math.floor(place) % wheelSize
    const next = (k + 1) % wheelSize
    for (let c = 0; c < 3; c++) {
      const hue = (1 - f) * wheel[3 * k + c]! + f * wheel[3 * next + c]!
      out[3 * i + c] = Math.round(255 * (length < beyond ? 1 - Math.min(1, length) * (1 - hue) : 0.75 * hue))
    }
  }
  return { width, height, data: out }
}

/** Rounding alone does not make the longest vector longer than itself. */
const beyond = 1 + 1e-6

function longestOf(flow: Flow): number {
  return flowLength(flow).data.reduce((a, b) => Math.max(a, b), 0)
}

/** From each colour towards the next in so many steps; the eye tells some hues apart more finely than others. */
const arcs: readonly { readonly from: readonly number[]; readonly to: readonly number[]; readonly steps: number }[] = [
  { from: [1, 0, 0], to: [1, 1, 0], steps: 15 },
  { from: [1, 1, 0], to: [0, 1, 0], steps: 6 },
  { from: [0, 1, 0], to: [0, 1, 1], steps: 4 },
  { from: [0, 1, 1], to: [0, 0, 1], steps: 11 },
  { from: [0, 0, 1], to: [1, 0, 1], steps: 13 },
  { from: [1, 0, 1], to: [1, 0, 0], steps: 6 },
]

const wheel: Float64Array = Float64Array.from(
  arcs.flatMap(({ from, to, steps }) =>
    Array.from({ length: steps }, (_, k) => from.map((value, c) => value + (to[c]! - value) * (k / steps))).flat(),
  ),
)
const wheelSize = wheel.length / 3
