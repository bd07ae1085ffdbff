/**
 * Separable Gaussian, radius 3 sigma, edges repeated.
 *
 * @param data Interleaved, `[height * width * channels]`.
 */
export function gaussianBlur(
  data: Float32Array | Uint8Array,
  width: number,
  height: number,
  channels: number,
  sigma: number,
): Float32Array {
  const kernel = gaussianKernel(sigma)
  const radius = (kernel.length - 1) / 2
  const row = width * channels
  const between = new Float32Array(data.length)
  const out = new Float32Array(data.length)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        let sum = 0
        for (let k = -radius; k <= radius; k++)
          sum += kernel[k + radius]! * data[y * row + Math.min(Math.max(x + k, 0), width - 1) * channels + c]!
        between[y * row + x * channels + c] = sum
      }
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

function gaussianKernel(sigma: number): Float64Array {
  const radius = Math.ceil(3 * sigma)
  const kernel = Float64Array.from({ length: 2 * radius + 1 }, (_, k) => Math.exp(-((k - radius) ** 2) / (2 * sigma * sigma)))
  const sum = kernel.reduce((a, b) => a + b, 0)
  return kernel.map((weight) => weight / sum)
}
