import type { Denoiser, Latent, SampleOptions } from '../denoiser.ts'
import { towards } from './euler.ts'
import { walkDown } from './walk-down.ts'

/**
 * Heun's method: an Euler step, then the same step with the mean of the slopes at both ends. Two evaluations a step, one
 * for the last step of a run that ends in 0. `onStep` is called once a step, with the x0 at its beginning.
 *
 * @see Karras et al. 2022, arXiv:2206.00364, algorithm 1 without churn
 */
export async function sampleHeun(
  denoise: Denoiser,
  x: Latent,
  sigmas: readonly number[],
  options: SampleOptions = {},
): Promise<Latent> {
  const { signal } = options
  const corrected = async (from: Latent, x0: Latent, sigma: number, to: Latent, next: number): Promise<Latent> => {
    signal?.throwIfAborted()
    const x0AtEnd = await denoise(to, next, signal)
    const out = new Float32Array(from.length)
    for (let j = 0; j < out.length; j++) {
      const slope = ((from[j]! - x0[j]!) / sigma + (to[j]! - x0AtEnd[j]!) / next) / 2
      out[j] = from[j]! + slope * (next - sigma)
    }
    return out
  }
  return walkDown(denoise, x, sigmas, options, ({ x: state, x0, sigma, next }) => {
    const euler = towards(x0, state, next / sigma)
    return next > 0 ? corrected(state, x0, sigma, euler, next) : euler
  })
}
