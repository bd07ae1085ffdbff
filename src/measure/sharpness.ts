import { gaussianBlur } from '../image/blur.ts'

/** How much fine structure a frame holds. Units: squared 8-bit grey levels. */
export interface Sharpness {
  /** Variance of the Laplacian. */
  readonly laplacian: number
  /** Mean squared difference of the Gaussians of 1 and 2 px: fine detail. */
  readonly fine: number
  /** Of 2 and 4 px: middle detail. */
  readonly middle: number
}

/**
 * The Laplacian `[0 1 0; 1 -4 1; 0 1 0]`, edges repeated.
 *
 * @param gray `[height * width]`, 0..255.
 */
export function laplacian(gray: Float32Array, width: number, height: number): Float32Array {
  const out = new Float32Array(gray.length)
  for (let y = 0, i = 0; y < height; y++) {
    const up = y > 0 ? -width : 0
    const down = y < height - 1 ? width : 0
    for (let x = 0; x < width; x++, i++) {
      const left = x > 0 ? -1 : 0
      const right = x < width - 1 ? 1 : 0
      out[i] = gray[i + up]! + gray[i + down]! + gray[i + left]! + gray[i + right]! - 4 * gray[i]!
    }
  }
  return out
}

/**
 * Variance of the Laplacian over the interior, and the energy of two bands.
 *
 * @param gray Luma after a Gaussian of 1 px, 0..255.
 * @param interior, bandInterior 1 where a pixel counts, for the Laplacian and for the bands.
 * @see Pech-Pacheco et al., Diatom autofocusing in brightfield microscopy, ICPR 2000 (variance of the Laplacian)
 */
export function sharpness(
  gray: Float32Array,
  width: number,
  height: number,
  interior: Uint8Array,
  bandInterior: Uint8Array,
): Sharpness {
  const second = laplacian(gray, width, height)
  let [sum, squares, count] = [0, 0, 0]
  for (let i = 0; i < second.length; i++) {
    if (interior[i] === 0) continue
    sum += second[i]!
    squares += second[i]! * second[i]!
    count++
  }
  // `gray` was blurred by 1 px already; variances of Gaussians add up.
  const two = gaussianBlur(gray, width, height, 1, Math.sqrt(3))
  const four = gaussianBlur(two, width, height, 1, Math.sqrt(12))
  return {
    laplacian: count === 0 ? 0 : squares / count - (sum / count) ** 2,
    fine: meanSquaredDifference(gray, two, bandInterior),
    middle: meanSquaredDifference(two, four, bandInterior),
  }
}

function meanSquaredDifference(a: Float32Array, b: Float32Array, mask: Uint8Array): number {
  let [total, count] = [0, 0]
  for (let i = 0; i < a.length; i++) {
    if (mask[i] === 0) continue
    total += (a[i]! - b[i]!) ** 2
    count++
  }
  return count === 0 ? 0 : total / count
}
