import { type Colour, type Tone, colour, glaze, setTone } from './surface.ts'
import { mix, smoothstep, clamp } from './maths.ts'
import { bodyAt } from './pose.ts'
import { skin } from './palette.ts'

/** The face, painted on the front of the head as a function of (x, y) in the head's coordinates (metres; her left is +x). */

const lash: Colour = colour(0x4b2a3f)
const white: Colour = colour(0xfffaf4)
const whiteShade: Colour = colour(0xd9cbdc)
const irisTop: Colour = colour(0x14597a)
const irisBottom: Colour = colour(0x6fe0cf)
const irisRim: Colour = colour(0x123a5c)
const pupil: Colour = colour(0x14284a)
const glint: Colour = colour(0xfffefa)
const brow: Colour = colour(0xa9543f)
const blush: Colour = colour(0xff9c94)
const blushShade: Colour = colour(0xe98c8c)
const lip: Colour = colour(0xb4485c)
const mouthInside: Colour = colour(0xa63b50)
const tongue: Colour = colour(0xf08a88)
const noseShade: Colour = colour(0xeaa595)

const eyeX = 0.0505
const eyeY = -0.024
const eyeHalfWidth = 0.0318
const eyeHalfHeight = 0.0385

let moment = { time: NaN, blink: 0, mouth: 0 }

function expression(time: number): { blink: number; mouth: number } {
  if (moment.time !== time) {
    const { blink, mouth } = bodyAt(time)
    moment = { time, blink: clamp(blink, 0, 1), mouth: clamp(mouth, 0, 1) }
  }
  return moment
}

export function paintFace(tone: Tone, x: number, y: number, z: number, time: number): void {
  setTone(tone, skin.light, skin.shade)
  if (z < 0.02 || y > 0.06) return
  const { blink, mouth } = expression(time)
  const side = x < 0 ? -1 : 1
  paintBlush(tone, (Math.abs(x) - 0.068) / 0.024, (y + 0.067) / 0.0125)
  paintNose(tone, x, y)
  paintMouth(tone, x, y + 0.094, mouth)
  paintEye(tone, (Math.abs(x) - eyeX) / eyeHalfWidth, (y - eyeY) / eyeHalfHeight, side, blink)
  paintBrow(tone, (Math.abs(x) - 0.052) / 0.028, y - 0.031 + 0.004 * blink)
}

function ink(tone: Tone, paint: Colour, share: number): void {
  glaze(tone, paint, paint, share)
}

function paintBlush(tone: Tone, x: number, y: number): void {
  glaze(tone, blush, blushShade, 0.55 * smoothstep(1, 0.1, x * x + y * y))
}

function paintNose(tone: Tone, x: number, y: number): void {
  const dx = (x - 0.002) / 0.004
  const dy = (y + 0.062) / 0.003
  glaze(tone, noseShade, noseShade, smoothstep(1.2, 0.5, dx * dx + dy * dy))
}

/** A smile that opens: below a curved upper line, a rounded opening with the tongue in it. */
function paintMouth(tone: Tone, x: number, y: number, open: number): void {
  const half = mix(0.017, 0.0195, open)
  const s = x / half
  if (Math.abs(s) > 1.25) return
  const upper = 0.0045 * s * s + 0.0008
  const depth = mix(0.001, 0.0225, open)
  const lower = upper - depth * Math.sqrt(Math.max(0, 1 - s * s))
  const inside = smoothstep(-0.0006, 0.0006, upper - y) * smoothstep(-0.0006, 0.0006, y - lower) * (Math.abs(s) < 1 ? 1 : 0)
  ink(tone, mouthInside, inside)
  const dx = x / (half * 0.62)
  const dy = (y - lower - 0.001) / (depth * 0.45 + 1e-6)
  ink(tone, tongue, inside * smoothstep(1.15, 0.85, dx * dx + dy * dy))
  const line = smoothstep(0.0021, 0.001, Math.abs(y - upper)) * smoothstep(1.22, 1, Math.abs(s))
  ink(tone, lip, line)
}

/** One eye in its own coordinates: x outward, both -1..1 at the edges of the white. */
function paintEye(tone: Tone, x: number, y: number, side: number, blink: number): void {
  if (Math.abs(x) > 1.6 || Math.abs(y) > 1.7) return
  const top = mix(0.9 - 0.42 * x * x - 0.1 * (1 - x) * (x < 0 ? -x : 0), -0.08 - 0.5 * x * x, blink)
  const bottom = mix(-0.94 + 0.55 * x * x - 0.12 * x, top - 0.02, smoothstep(0.75, 1, blink))
  const inEye = smoothstep(-0.03, 0.03, top - y) * smoothstep(-0.03, 0.03, y - bottom) * smoothstep(1.02, 0.96, Math.abs(x))
  if (inEye > 0) {
    glaze(tone, white, whiteShade, inEye)
    glaze(tone, whiteShade, whiteShade, inEye * 0.7 * smoothstep(0.45, 0.1, top - y))
    paintIris(tone, x + 0.06, y + 0.02, side, inEye, top)
  }
  // Upper lashes: a band over the lid that swells outward and ends in a flick.
  const thick = mix(0.13, 0.3, smoothstep(-1, 0.9, x))
  const over = y - top
  const along = smoothstep(-1.12, -0.92, x) * smoothstep(1.3, 1.08, x + 0.25 * over)
  ink(tone, lash, smoothstep(-0.1, -0.03, over) * smoothstep(thick + 0.04, thick - 0.03, over) * along)
  const flick = Math.abs(y - top + 0.02 - 0.5 * (x - 0.85)) - 0.16 * (1.42 - x)
  ink(tone, lash, smoothstep(0.05, -0.03, flick) * smoothstep(0.75, 0.85, x) * smoothstep(1.42, 1.34, x))
  // Lower lashes, only the outer half; the crease above.
  const lower = Math.abs(y - bottom) - 0.05 * smoothstep(-0.3, 0.9, x)
  ink(tone, lash, 0.75 * smoothstep(0.04, -0.01, lower) * smoothstep(-0.35, 0.3, x) * smoothstep(1.02, 0.9, x) * (1 - blink))
  const crease = Math.abs(y - (1.24 - 0.36 * x * x)) - 0.02
  ink(tone, brow, 0.5 * smoothstep(0.04, 0, crease) * smoothstep(-0.75, -0.3, x) * smoothstep(0.85, 0.5, x) * (1 - blink))
}

function paintIris(tone: Tone, x: number, y: number, side: number, inEye: number, top: number): void {
  const d = (x * x) / 0.5 + (y * y) / 0.86
  const round = inEye * smoothstep(1.05, 0.96, d)
  if (round > 0) {
    const t = smoothstep(0.75, -0.85, y)
    const tint = (k: 0 | 1 | 2): number => mix(irisTop[k], irisBottom[k], t)
    ink(tone, [tint(0), tint(1), tint(2)], round)
    ink(tone, irisRim, round * 0.8 * smoothstep(0.7, 0.95, d))
    ink(tone, irisRim, round * 0.55 * smoothstep(0.6, 0, top - y))
    const p = (x * x) / 0.075 + ((y - 0.02) * (y - 0.02)) / 0.16
    ink(tone, pupil, round * smoothstep(1.1, 0.8, p))
    const crescent = (x * x) / 0.2 + ((y + 0.52) * (y + 0.52)) / 0.07
    ink(tone, [168, 246, 224], round * 0.6 * smoothstep(1.1, 0.4, crescent))
  }
  // Highlights lie on the same side of both eyes, towards the light.
  const gx = x * side + 0.24
  const gy = y - 0.42
  ink(tone, glint, inEye * smoothstep(1.15, 0.85, (gx * gx) / 0.068 + (gy * gy) / 0.075))
  const hx = x * side - 0.27
  const hy = y + 0.42
  ink(tone, glint, inEye * 0.9 * smoothstep(1.2, 0.7, (hx * hx) / 0.014 + (hy * hy) / 0.018))
}

function paintBrow(tone: Tone, x: number, y: number): void {
  const line = Math.abs(y - 0.006 * (1 - x * x) + 0.001 * x) - 0.0023 * smoothstep(1.2, -0.8, x)
  ink(tone, brow, 0.85 * smoothstep(0.0008, -0.0006, line) * smoothstep(1.05, 0.9, Math.abs(x)))
}
