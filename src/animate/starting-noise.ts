import type { Latent, LatentShape } from '../diffusion/denoiser.ts'
import { carryNoise, startCarriedNoise, type CarriedNoise } from '../guidance/carried-noise.ts'
import { freshNoise, sharedNoise } from '../guidance/noise.ts'
import { contentKey } from './content-key.ts'
import type { FootageFrame } from './footage.ts'

/** The noise that a frame starts from, and a key that is equal for equal noise. */
export interface StartingNoise {
  readonly noise: Latent
  readonly key: string
}

/**
 * Gives every frame of a render its starting noise; asked once for each frame, in order.
 * `fresh`: its own. `same`: one for all. `carried`: that of the frame before, moved along the flow, begun anew at each shot.
 */
export function createStartingNoise(
  kind: 'carried' | 'same' | 'fresh',
  shape: LatentShape,
  seed: number,
): (item: FootageFrame) => StartingNoise {
  if (kind === 'fresh')
    return ({ frame }) => ({ noise: freshNoise(seed, frame.index, shape), key: contentKey('fresh', seed, frame.index) })
  if (kind === 'same') {
    const one = { noise: sharedNoise(seed, shape), key: contentKey('same', seed) }
    return () => one
  }
  let carried: CarriedNoise | undefined
  let key = ''
  return ({ frame, hash, motion }) => {
    const fresh = freshNoise(seed, frame.index, shape)
    const goesOn = carried !== undefined && motion !== undefined
    carried = goesOn ? carryNoise(carried!, motion!, fresh) : startCarriedNoise(fresh, shape)
    key = contentKey('carried', seed, frame.index, hash, goesOn ? key : null)
    return { noise: carried.noise, key }
  }
}
