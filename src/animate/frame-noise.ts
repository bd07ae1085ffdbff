import type { Latent, LatentShape } from '../diffusion/denoiser.ts'
import { carryNoise, startCarriedNoise, type CarriedNoise } from '../guidance/carried-noise.ts'
import { Random } from '../random.ts'
import { contentKey } from './content-key.ts'
import type { FootageFrame } from './footage.ts'

/** The noise of one frame, and a key that is equal for equal noise. */
export interface FrameNoise {
  readonly noise: Latent
  readonly key: string
}

/**
 * Gives every frame of a render its noise; asked once for each frame, in order.
 * `fresh`: its own. `same`: one for all. `carried`: that of the frame before, moved along the flow, begun anew at each shot.
 *
 * @param stream 0 for the noise that frames start from, others for what a sampler draws at its steps: unrelated noises of one seed.
 */
export function createFrameNoise(
  kind: 'carried' | 'same' | 'fresh',
  shape: LatentShape,
  seed: number,
  stream = 0,
): (item: FootageFrame) => FrameNoise {
  const own = (frame: number): Latent => new Random(seed, stream, frame).normals(shape.channels * shape.height * shape.width)
  if (kind === 'fresh') return ({ frame }) => ({ noise: own(frame.index), key: contentKey('fresh', seed, frame.index) })
  if (kind === 'same') {
    const one = { noise: own(0), key: contentKey('same', seed) }
    return () => one
  }
  let carried: CarriedNoise | undefined
  let key = ''
  return ({ frame, hash, motion }) => {
    const fresh = own(frame.index)
    const goesOn = carried !== undefined && motion !== undefined
    carried = goesOn ? carryNoise(carried!, motion!, fresh) : startCarriedNoise(fresh, shape)
    key = contentKey('carried', seed, frame.index, hash, goesOn ? key : null)
    return { noise: carried.noise, key }
  }
}
