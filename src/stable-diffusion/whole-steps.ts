import { floatTensor, type Tensor } from '../onnx/tensor.ts'

/**
 * Rows `[count, channels, height, width]` grown to sides that are multiples of `step` by repeating the last row and column:
 * exported UNets cannot take other sides.
 */
export function grown({ data, dims }: Tensor, step: number): Tensor {
  const [rows, channels, height, width] = dims as readonly [number, number, number, number]
  const [high, wide] = [Math.ceil(height / step) * step, Math.ceil(width / step) * step]
  const out = new Float32Array(rows * channels * high * wide)
  for (let map = 0, to = 0; map < rows * channels; map++)
    for (let y = 0; y < high; y++) {
      const from = (map * height + Math.min(y, height - 1)) * width
      for (let x = 0; x < wide; x++, to++) out[to] = Number(data[from + Math.min(x, width - 1)])
    }
  return floatTensor(out, [rows, channels, high, wide])
}

/** The way back from {@link grown}: the first `height` rows and `width` columns. */
export function cropped({ data, dims }: Tensor, height: number, width: number): Tensor {
  const [rows, channels, high, wide] = dims as readonly [number, number, number, number]
  const out = new Float32Array(rows * channels * height * width)
  for (let map = 0, to = 0; map < rows * channels; map++)
    for (let y = 0; y < height; y++, to += width) {
      const from = (map * high + y) * wide
      out.set((data as Float32Array).subarray(from, from + width), to)
    }
  return floatTensor(out, [rows, channels, height, width])
}
