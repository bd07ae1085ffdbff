import type { Latent, LatentShape } from '../diffusion/denoiser.ts'
import { Random } from '../random.ts'
import { contentKey } from './content-key.ts'
import type { FootageFrame } from './footage.ts'

/** The noise that a frame starts from, and a key that is equal for equal noise. */
export interface StartingNoise {
  readonly noise: Latent
  readonly key: string
}

/**
 * Gives every frame of a render its starting noise, asked for in order.
 * `fresh`: its own. `same`: one for all. `carried`: that of the frame before, moved along the flow.
 */
export function createStartingNoise(
  kind: 'carried' | 'same' | 'fresh',
  { channels, height, width }: LatentShape,
  seed: number,
): (item: FootageFrame) => StartingNoise {
  const count = channels * height * width
  if (kind === 'fresh')
    return ({ frame }) => ({ noise: new Random(seed, frame.index).normals(count), key: contentKey('fresh', seed, frame.index) })
  const one = { noise: new Random(seed).normals(count), key: contentKey('same', seed) }
  return () => one
}
