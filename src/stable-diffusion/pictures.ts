import type { FloatImage, Frame } from '../image/frame.ts'
import { floatTensor, type Feed } from '../onnx/tensor.ts'

/** 8 bits or 0..1, pixel by pixel, to -1..1, channel by channel: `[1, 3, height, width]`. */
export function toPlanes({ width, height, data }: Frame | FloatImage): Feed {
  const dims = [1, 3, height, width]
  if (data instanceof Uint8Array) return { dims, data: planes(data, new Uint8Array(data.length)), low: -1, step: 2 / 255 }
  const wanted = planes(data, new Float32Array(data.length))
  for (let i = 0; i < wanted.length; i++) wanted[i] = wanted[i]! * 2 - 1
  return floatTensor(wanted, dims)
}

function planes<T extends Uint8Array | Float32Array>(pixels: T, out: T): T {
  const count = pixels.length / 3
  for (let i = 0; i < count; i++) {
    out[i] = pixels[3 * i]!
    out[count + i] = pixels[3 * i + 1]!
    out[2 * count + i] = pixels[3 * i + 2]!
  }
  return out
}

/** -1..1, channel by channel, to 0..1, pixel by pixel, clamped. */
export function fromPlanes(planes: Float32Array, width: number, height: number): FloatImage {
  const count = width * height
  const data = new Float32Array(3 * count)
  for (let c = 0; c < 3; c++)
    for (let i = 0; i < count; i++) data[3 * i + c] = Math.min(1, Math.max(0, planes[c * count + i]! / 2 + 0.5))
  return { width, height, data }
}
