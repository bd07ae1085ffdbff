import { gaussianBlur } from '../image/blur.ts'
import { luma, rgbToLab } from '../image/color.ts'
import type { Frame } from '../image/frame.ts'
import { canny } from '../image/canny.ts'

/** A frame prepared once for all measures. `G(s)` is a Gaussian of s pixels on the 8-bit scale, not rounded. */
export interface FrameLook {
  readonly width: number
  readonly height: number
  /** G(1), RGB 0..255. */
  readonly rgb: Float32Array
  /** G(1.5), RGB 0..255. */
  readonly soft: Float32Array
  /** Luma of `rgb`. */
  readonly gray: Float32Array
  /** Lab of `soft`. */
  readonly lab: Float32Array
  /** Canny's edges of `gray`. */
  readonly edges: Uint8Array
}

/** Prepares a frame for the measures. */
export function frameLook(frame: Frame): FrameLook {
  const { width, height } = frame
  const rgb = gaussianBlur(frame.data, width, height, 3, 1)
  // Variances of Gaussians add up: 1 + 1.25 = 1.5 squared.
  const soft = gaussianBlur(rgb, width, height, 3, Math.sqrt(1.25))
  const gray = luma(rgb)
  return { width, height, rgb, soft, gray, lab: rgbToLab(soft), edges: canny(gray, width, height) }
}

/** G(1) in 8 bits, as the flow of the source is estimated on. */
export function smoothed(look: FrameLook): Frame {
  const data = new Uint8Array(look.rgb.length)
  for (let i = 0; i < data.length; i++) data[i] = Math.round(look.rgb[i]!)
  return { width: look.width, height: look.height, data }
}
