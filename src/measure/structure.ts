import { gaussianBlur } from '../image/blur.ts'

const c1 = (0.01 * 255) ** 2
const c2 = (0.03 * 255) ** 2

/**
 * Mean structural similarity over the region, Gaussian window of sigma 1.5 (11x11), K1 0.01, K2 0.03, range 255.
 *
 * @param a, b Luma `[height * width]`, 0..255. @param region 1 where a pixel counts.
 * @returns 1 for equal pictures, about 0 for unrelated ones.
 * @see Wang, Bovik, Sheikh, Simoncelli, Image quality assessment: from error visibility to structural similarity, 2004
 */
export function ssim(a: Float32Array, b: Float32Array, width: number, height: number, region: Uint8Array): number {
  const blur = (data: Float32Array): Float32Array => gaussianBlur(data, width, height, 1, 1.5)
  const meanA = blur(a)
  const meanB = blur(b)
  const squareA = blur(a.map((value) => value * value))
  const squareB = blur(b.map((value) => value * value))
  const product = blur(a.map((value, i) => value * b[i]!))
  let [total, count] = [0, 0]
  for (let i = 0; i < region.length; i++) {
    if (region[i] === 0) continue
    const ma = meanA[i]!
    const mb = meanB[i]!
    const varianceA = squareA[i]! - ma * ma
    const varianceB = squareB[i]! - mb * mb
    const covariance = product[i]! - ma * mb
    total += ((2 * ma * mb + c1) * (2 * covariance + c2)) / ((ma * ma + mb * mb + c1) * (varianceA + varianceB + c2))
    count++
  }
  return count === 0 ? 0 : total / count
}
