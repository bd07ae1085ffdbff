import { blurImage, blurPlane } from '../image/blur.ts'
import type { FloatImage, Plane } from '../image/frame.ts'

/** What is finer than this many pixels (a Gaussian's sigma) counts as drawing, the rest as tone and colour. */
const fine = 2
/** Pixels over which the strength of the drawing is compared. */
const around = 3
/** Energy below which there is no drawing but grain, (1.5 / 255)^2. */
const grain = 3.5e-5

/**
 * Mixes pictures of one thing. Tones and colours that do not agree just meet in the middle; lines and strokes that do not lie on each other
 * would fade. So the fine band of the mix is raised, place by place, to the energy that the fine bands of the pictures have in the mean. Where
 * they agree nothing changes.
 *
 * @param shares One array a picture, a value a pixel; they add up to 1 at each pixel.
 * @see Heitz and Neyret 2018, High-performance by-example noise using a histogram-preserving blending operator (the variance of a blend)
 */
export function mixSharply(pictures: readonly FloatImage[], shares: readonly Float32Array[]): FloatImage {
  const { width, height } = pictures[0]!
  const count = width * height
  const mixed = new Float32Array(3 * count)
  const wanted = new Float32Array(count)
  const mixedFine = new Float32Array(count)
  for (const [n, picture] of pictures.entries()) {
    const share = shares[n]!
    const band = fineBand(picture)
    for (let i = 0; i < count; i++) {
      const weight = share[i]!
      for (let c = 3 * i; c < 3 * i + 3; c++) mixed[c] = mixed[c]! + weight * picture.data[c]!
      wanted[i] = wanted[i]! + weight * band[i]! * band[i]!
      mixedFine[i] = mixedFine[i]! + weight * band[i]!
    }
  }
  const wantedAround = blurPlane({ width, height, data: wanted }, around).data
  const had = blurPlane({ width, height, data: mixedFine.map((value) => value * value) }, around).data
  // So much is lost of n drawings that have nothing in common, mixed in equal parts: no more is given back.
  const mostGain = Math.sqrt(pictures.length)
  const coarse = blurImage({ width, height, data: mixed }, fine).data
  for (let i = 0; i < count; i++) {
    const gain = Math.min(mostGain, Math.sqrt((wantedAround[i]! + grain) / (had[i]! + grain)))
    for (let c = 3 * i; c < 3 * i + 3; c++) mixed[c] = coarse[c]! + gain * (mixed[c]! - coarse[c]!)
  }
  return { width, height, data: mixed }
}

/** Luma without what is coarser than `fine`. */
function fineBand({ width, height, data }: FloatImage): Float32Array {
  const luma: Plane = { width, height, data: new Float32Array(width * height) }
  for (let i = 0; i < luma.data.length; i++)
    luma.data[i] = 0.299 * data[3 * i]! + 0.587 * data[3 * i + 1]! + 0.114 * data[3 * i + 2]!
  const coarse = blurPlane(luma, fine).data
  return luma.data.map((value, i) => value - coarse[i]!)
}
