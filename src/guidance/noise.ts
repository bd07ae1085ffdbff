import type { Latent, LatentShape } from '../diffusion/denoiser.ts'
import { Random } from '../random.ts'

/** Standard normals that only this seed and this frame have. */
export function freshNoise(seed: number, frame: number, { channels, height, width }: LatentShape): Latent {
  return new Random(seed, frame).normals(channels * height * width)
}

/** Standard normals that all frames of a render share. */
export function sharedNoise(seed: number, { channels, height, width }: LatentShape): Latent {
  return new Random(seed).normals(channels * height * width)
}
