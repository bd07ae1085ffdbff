import type { Flow } from '../flow/flow.ts'
import { warpImage } from '../flow/warp.ts'
import { blurImage } from '../image/blur.ts'
import type { FloatImage } from '../image/frame.ts'

/**
 * What the 2023 script expects of a frame: the result of the frame before, moved along the flow, and sharpened so that
 * the repeated resampling does not blur it.
 *
 * @param previous Result of the frame before, 0..1.
 * @param back Flow current -> previous, pixels. The script itself takes {@link negatedFlow} of the flow previous -> current.
 * @param sharpen Whether it is sharpened, as the script does.
 * @returns Not clamped: both steps overshoot a little.
 * @throws TypeError if the sizes differ.
 */
export function predictFromPrevious(previous: FloatImage, back: Flow, { sharpen }: { readonly sharpen: boolean }): FloatImage {
  const warped = warpImage(previous, back, 'cubic')
  return sharpen ? unsharp(warped, 0.12, 2) : warped
}

/** image + amount (image - blurred): (1 + amount) image - amount Gaussian(sigma). */
export function unsharp(image: FloatImage, amount: number, sigma: number): FloatImage {
  const blurred = blurImage(image, sigma).data
  const data = new Float32Array(image.data.length)
  for (let i = 0; i < data.length; i++) data[i] = (1 + amount) * image.data[i]! - amount * blurred[i]!
  return { ...image, data }
}

/** The same vectors backwards, each at its place: a rough flow back where none was estimated. */
export function negatedFlow(flow: Flow): Flow {
  return { ...flow, data: flow.data.map((value) => -value) }
}
