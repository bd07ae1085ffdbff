import { type Fit, resizeFrame } from '../image/resize.ts'
import type { FrameSource, TimedFrame } from './frame-source.ts'

export interface FitOptions {
  readonly width: number
  readonly height: number
  /** `cover` (default) cuts the edges off, `contain` adds black bars, `fill` stretches. */
  readonly fit?: Fit
}

/** The same frames at another size (Lanczos 3, centred). Times, ranges and warnings are the source's own. */
export function fitted(source: FrameSource, { width, height, fit = 'cover' }: FitOptions): FrameSource {
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1)
    throw new RangeError(`width and height are positive whole numbers, got ${width}x${height}.`)
  async function* frames(request?: Parameters<FrameSource['frames']>[0]): AsyncGenerator<TimedFrame, void, void> {
    for await (const { index, time, image } of source.frames(request))
      yield { index, time, image: await resizeFrame(image, width, height, { fit }) }
  }
  return { info: { ...source.info, width, height }, warnings: source.warnings, frames, close: () => source.close() }
}

/**
 * The size nearest to the source's shape that a model can take: sides are multiples of `multiple`, about `area` pixels, and never more
 * than the source has (its sides rounded up to the multiple). Among the roundings of both sides up and down the one wins whose shape
 * is nearest, with the deviation from the area counted half.
 *
 * @param info Sides of the source, pixels.
 * @param area Pixels, for example 512 * 512.
 * @param multiple For example 8 for Stable Diffusion's latents, 64 for its inner levels.
 */
export function fitSize(
  info: { readonly width: number; readonly height: number },
  area: number,
  multiple: number,
): { width: number; height: number } {
  if (!(area > 0) || !Number.isInteger(multiple) || multiple < 1)
    throw new RangeError(`area is positive and multiple a positive whole number, got ${area} and ${multiple}.`)
  const scale = Math.min(1, Math.sqrt(area / (info.width * info.height)))
  const roundings = (side: number): number[] => {
    const most = Math.ceil(side / multiple) * multiple
    const low = Math.max(multiple, Math.floor((side * scale) / multiple) * multiple)
    return [low, Math.min(most, low + multiple)]
  }
  const shape = info.width / info.height
  const pixels = info.width * info.height * scale * scale
  let best = { width: multiple, height: multiple }
  let least = Infinity
  for (const width of roundings(info.width)) {
    for (const height of roundings(info.height)) {
      const cost = Math.abs(Math.log(width / height / shape)) + 0.5 * Math.abs(Math.log((width * height) / pixels))
      if (cost < least) {
        least = cost
        best = { width, height }
      }
    }
  }
  return best
}
