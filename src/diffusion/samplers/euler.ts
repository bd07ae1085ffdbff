import type { Denoiser, Latent, SampleOptions } from '../denoiser.ts'
import { walkDown } from './walk-down.ts'

/**
 * Euler steps of the probability flow down `sigmas`: x <- x0 + (x - x0) next / sigma. DDIM with eta 0 is the same thing.
 *
 * @see Karras et al. 2022, arXiv:2206.00364, algorithm 1 without churn; Song et al. 2020, arXiv:2010.02502, equation 12
 */
export async function sampleEuler(
  denoise: Denoiser,
  x: Latent,
  sigmas: readonly number[],
  options: SampleOptions = {},
): Promise<Latent> {
  return walkDown(denoise, x, sigmas, options, ({ x: state, x0, sigma, next }) => towards(x0, state, next / sigma))
}

/** x0 + (x - x0) share: from x towards x0, all the way at share 0. */
export function towards(x0: Latent, x: Latent, share: number): Latent {
  const out = new Float32Array(x.length)
  for (let i = 0; i < out.length; i++) out[i] = x0[i]! + (x[i]! - x0[i]!) * share
  return out
}
