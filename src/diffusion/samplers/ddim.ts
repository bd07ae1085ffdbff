import type { Denoiser, Latent } from '../denoiser.ts'
import { sampleEulerAncestral, type AncestralOptions } from './euler-ancestral.ts'

/**
 * Denoising diffusion implicit models: `sigmas` of the layout `ddim`. In the variance-exploding scaling its step is Euler's
 * (eta 0) or the ancestral one's.
 *
 * @param options `eta` is 0 where left out: no noise is drawn.
 * @throws TypeError if eta is not 0 and `noise` is missing. @throws RangeError if eta is not in 0..1.
 * @see Song et al. 2020, arXiv:2010.02502
 */
export async function sampleDdim(
  denoise: Denoiser,
  x: Latent,
  sigmas: readonly number[],
  options: AncestralOptions = {},
): Promise<Latent> {
  return sampleEulerAncestral(denoise, x, sigmas, { ...options, eta: options.eta ?? 0 })
}
