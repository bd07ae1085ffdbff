import type { Denoiser, Latent, SampleOptions } from '../denoiser.ts'
import { addNoise } from '../prediction.ts'
import { walkDown } from './walk-down.ts'

/**
 * Multistep consistency sampling, for latent consistency models: each step goes all the way to x0 and back up to the next level with fresh
 * noise. The boundary condition's share of the noisy latent, under 1e-5 but at the lowest timesteps, is left out.
 *
 * @throws TypeError if `noise` is missing.
 * @see Luo et al. 2023, arXiv:2310.04378, algorithm 3
 */
export async function sampleLcm(
  denoise: Denoiser,
  x: Latent,
  sigmas: readonly number[],
  { signal, onStep, noise }: SampleOptions = {},
): Promise<Latent> {
  if (noise === undefined) throw new TypeError('noise is needed by a sampler that adds noise.')
  return walkDown(denoise, x, sigmas, { signal, onStep, skipLevel: true }, ({ i, x0, next }) =>
    next > 0 ? addNoise(x0, noise(i, 0), next) : x0,
  )
}
