import type { FloatImage, Plane } from './frame.ts'

/**
 * Separable Gaussian with a kernel of radius `ceil(3 sigma)`, edges repeated. Nothing is rounded.
 *
 * @param data Interleaved, `[height * width * channels]`, any range.
 * @param sigma Pixels, above 0; 0 copies.
 * @returns A new array in the same order.
 * @throws TypeError if `data` has another length. @throws RangeError if `sigma` is negative or not finite.
 */
export function gaussianBlur(
  data: Float32Array | Uint8Array,
  width: number,
  height: number,
  channels: number,
  sigma: number,
): Float32Array {
  const row = width * channels
  if (data.length !== row * height)
    throw new TypeError(`A ${width}x${height} picture of ${channels} channels needs ${row * height} values, got ${data.length}.`)
  if (!(sigma >= 0 && sigma < Infinity)) throw new RangeError(`sigma must be 0 or more pixels, got ${sigma}.`)
  if (sigma === 0) return Float32Array.from(data)
  const kernel = gaussianKernel(sigma)
  const radius = (kernel.length - 1) / 2
  const between = new Float32Array(data.length)
  const out = new Float32Array(data.length)
  // The row with its edges repeated, so that the inner loop has no conditions.
  const padded = new Float32Array(row + 2 * radius * channels)
  for (let y = 0; y < height; y++) {
    for (let k = 0; k < radius; k++) {
      for (let c = 0; c < channels; c++) {
        padded[k * channels + c] = data[y * row + c]!
        padded[row + (radius + k) * channels + c] = data[y * row + row - channels + c]!
      }
    }
    for (let x = 0; x < row; x++) padded[radius * channels + x] = data[y * row + x]!
    for (let x = 0; x < row; x++) {
      let sum = 0
      for (let k = 0, at = x; k < kernel.length; k++, at += channels) sum += kernel[k]! * padded[at]!
      between[y * row + x] = sum
    }
  }
  for (let y = 0; y < height; y++) {
    for (let k = -radius; k <= radius; k++) {
      const from = Math.min(Math.max(y + k, 0), height - 1) * row
      const weight = kernel[k + radius]!
      for (let x = 0; x < row; x++) out[y * row + x] = out[y * row + x]! + weight * between[from + x]!
    }
  }
  return out
}

/** {@link gaussianBlur} of a picture in floats. */
export function blurImage(image: FloatImage, sigma: number): FloatImage {
  return { ...image, data: gaussianBlur(image.data, image.width, image.height, 3, sigma) }
}

/** {@link gaussianBlur} of one value a pixel. */
export function blurPlane(plane: Plane, sigma: number): Plane {
  return { ...plane, data: gaussianBlur(plane.data, plane.width, plane.height, 1, sigma) }
}

/** Weights of a Gaussian sampled at whole pixels, `2 ceil(3 sigma) + 1` of them, adding up to 1. */
export function gaussianKernel(sigma: number): Float64Array {
  const radius = Math.ceil(3 * sigma)
  const kernel = Float64Array.from({ length: 2 * radius + 1 }, (_, k) => Math.exp(-((k - radius) ** 2) / (2 * sigma * sigma)))
  const sum = kernel.reduce((a, b) => a + b, 0)
  return kernel.map((weight) => weight / sum)
}
