import type { FloatImage } from '../image/frame.ts'

/** 0..1, pixel by pixel, to -1..1, channel by channel: `[1, 3, height, width]`. */
export function toPlanes({ width, height, data }: FloatImage): Float32Array {
  const count = width * height
  const planes = new Float32Array(3 * count)
  for (let i = 0; i < count; i++) {
    planes[i] = data[3 * i]! * 2 - 1
    planes[count + i] = data[3 * i + 1]! * 2 - 1
    planes[2 * count + i] = data[3 * i + 2]! * 2 - 1
  }
  return planes
}

/** -1..1, channel by channel, to 0..1, pixel by pixel, clamped. */
export function fromPlanes(planes: Float32Array, width: number, height: number): FloatImage {
  const count = width * height
  const data = new Float32Array(3 * count)
  for (let c = 0; c < 3; c++)
    for (let i = 0; i < count; i++) data[3 * i + c] = Math.min(1, Math.max(0, planes[c * count + i]! / 2 + 0.5))
  return { width, height, data }
}
