import type { Denoiser, Latent, SampleOptions } from '../denoiser.ts'
import { addNoise, toVariancePreserving } from '../prediction.ts'

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
  let state = x
  for (const [i, next] of sigmas.slice(1).entries()) {
    signal?.throwIfAborted()
    const sigma = sigmas[i]!
    if (next === sigma) continue
    const x0 = await denoise(state, sigma, signal)
    onStep?.(i, x0, sigma)
    state = next > 0 ? addNoise(x0, noise(i, 0), next) : x0
  }
  return toVariancePreserving(state, sigmas.at(-1) ?? 0)
}
