import type { Denoiser, Latent } from '../src/diffusion/denoiser.ts'
import { toVariancePreserving } from '../src/diffusion/prediction.ts'

/** A denoiser that keeps what it was given, in the scaling of networks (DDIM's) or as it is. */
export function recorded(denoise: Denoiser, scaling: 'preserving' | 'exploding'): { denoise: Denoiser; states: Latent[] } {
  const states: Latent[] = []
  return {
    states,
    denoise: async (x, sigma, signal) => {
      states.push(scaling === 'preserving' ? toVariancePreserving(x, sigma) : x)
      return denoise(x, sigma, signal)
    },
  }
}
