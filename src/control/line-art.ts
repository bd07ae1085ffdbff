import { gaussianBlur } from '../image/blur.ts'
import type { Frame, Plane } from '../image/frame.ts'
import { clearLines } from './lines.ts'

/** Width of the finer lines that are looked for, as a share of the picture's mean side; soft contours are found at twice that. */
const fineness = 1 / 560
/** How much wider the surroundings are that a line is darker than. */
const spread = 1.6
/** Share of the local contrast by which a line must be darker: where it begins to be drawn, and where it is drawn fully. */
const [faint, full] = [0.04, 0.16]
/** Levels of contrast below which a place counts as even. */
const even = 12

/**
 * Line drawing of a picture, light lines on black, as ControlNets for line art take it: a difference of Gaussians (what is darker
 * than its surroundings in any of the channels), relative to the contrast of the neighbourhood so that dark scenes have lines too, with a soft threshold.
 * Specks and lines that are faint all along are left out. Nothing depends on the picture as a whole, so that lines of a video do
 * not swell and shrink with what moves elsewhere.
 *
 * @returns 0..1.
 * @see Winnemöller, Kyprianidis, Olsen 2012, XDoG, Computers & Graphics 36(6)
 */
export function lineArt(frame: Frame): Plane {
  const { width, height } = frame
  const sigma = Math.max(0.6, Math.sqrt(width * height) * fineness)
  const strength = linesOf(frame, sigma)
  const wide = linesOf(frame, 2 * sigma)
  for (let i = 0; i < strength.length; i++) strength[i] = Math.max(strength[i]!, wide[i]!)
  return clearLines({ width, height, data: strength }, 0.1, 0.5, Math.round(16 * sigma))
}

function linesOf({ width, height, data }: Frame, sigma: number): Float32Array {
  const near = gaussianBlur(data, width, height, 3, sigma)
  const around = gaussianBlur(data, width, height, 3, sigma * spread)
  const contrast = localContrast(near, width, height, 8 * sigma)
  const strength = new Float32Array(width * height)
  for (let i = 0; i < strength.length; i++) {
    let darker = 0
    for (let q = 3 * i; q < 3 * i + 3; q++) darker = Math.max(darker, (around[q]! - near[q]!) / (contrast[q]! + even))
    const t = Math.min(1, Math.max(0, (darker - faint) / (full - faint)))
    strength[i] = t * t * (3 - 2 * t)
  }
  return strength
}

/** Standard deviation in a Gaussian window, channel by channel. */
function localContrast(rgb: Float32Array, width: number, height: number, sigma: number): Float32Array {
  const mean = gaussianBlur(rgb, width, height, 3, sigma)
  const squares = gaussianBlur(
    rgb.map((value) => value * value),
    width,
    height,
    3,
    sigma,
  )
  return squares.map((square, i) => Math.sqrt(Math.max(0, square - mean[i]! * mean[i]!)))
}
