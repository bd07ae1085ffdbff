import { gaussianBlur } from '../image/blur.ts'
import type { Frame, Plane } from '../image/frame.ts'

/** Blurs before the gradient, as shares of the picture's mean side, finest first. */
const scales = [1 / 400, 1 / 200]
/** Levels of step across an edge that are drawn two thirds as bright as can be. */
const bright = 70

/**
 * Soft edges, light on black, like those of HED that ControlNets for soft edges take: the gradient's length in the channel where it is
 * longest, at two blurs, each as the height of the step that would make it, the strongest taken; bright steps are compressed.
 *
 * @returns 0..1.
 */
export function softEdge({ width, height, data }: Frame): Plane {
  const side = Math.sqrt(width * height)
  const out = new Float32Array(width * height)
  for (const scale of scales) {
    const sigma = Math.max(0.7, scale * side)
    const blurred = gaussianBlur(data, width, height, 3, sigma)
    // A blurred step of height h has the slope h / (sigma sqrt(2 pi)) in its middle.
    const heightOf = sigma * Math.sqrt(2 * Math.PI)
    for (let y = 0; y < height; y++) {
      const up = (y > 0 ? y - 1 : y) * width
      const down = (y < height - 1 ? y + 1 : y) * width
      for (let x = 0; x < width; x++) {
        const left = x > 0 ? x - 1 : x
        const right = x < width - 1 ? x + 1 : x
        let most = 0
        for (let c = 0; c < 3; c++) {
          const dx = (blurred[3 * (y * width + right) + c]! - blurred[3 * (y * width + left) + c]!) / 2
          const dy = (blurred[3 * (down + x) + c]! - blurred[3 * (up + x) + c]!) / 2
          most = Math.max(most, dx * dx + dy * dy)
        }
        const step = heightOf * Math.sqrt(most)
        const i = y * width + x
        out[i] = Math.max(out[i]!, 1 - Math.exp(-step / bright))
      }
    }
  }
  return { width, height, data: out }
}
