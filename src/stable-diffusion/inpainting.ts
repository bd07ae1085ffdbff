import type { LatentShape } from '../diffusion/denoiser.ts'
import type { DiffusionModel } from './diffusion-model.ts'

/**
 * What an inpainting UNet is shown when a whole picture is to be made anew: a mask of ones (all of it may change), and the
 * latent of a mid-grey picture, which is what masking leaves where everything is masked. Kept for each size.
 */
export function greyMasks(
  model: Pick<DiffusionModel, 'encode' | 'scale'>,
): (shape: LatentShape, signal: AbortSignal | undefined) => Promise<Float32Array> {
  const known = new Map<string, Float32Array>()
  return async ({ height, width }, signal) => {
    const key = `${width}x${height}`
    const before = known.get(key)
    if (before !== undefined) return before
    const [high, wide] = [height * model.scale, width * model.scale]
    const grey = await model.encode({ width: wide, height: high, data: new Float32Array(3 * wide * high).fill(0.5) }, signal)
    const channels = new Float32Array(height * width + grey.length).fill(1, 0, height * width)
    channels.set(grey, height * width)
    known.set(key, channels)
    return channels
  }
}
