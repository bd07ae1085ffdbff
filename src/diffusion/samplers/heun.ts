import type { Denoiser, Latent, SampleOptions } from '../denoiser.ts'
import { toVariancePreserving } from '../prediction.ts'
import { towards } from './euler.ts'

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
  { signal, onStep }: SampleOptions = {},
): Promise<Latent> {
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
  let state = x
  for (const [i, next] of sigmas.slice(1).entries()) {
    signal?.throwIfAborted()
    const sigma = sigmas[i]!
    const x0 = await denoise(state, sigma, signal)
    onStep?.(i, x0, sigma)
    const euler = towards(x0, state, next / sigma)
    state = next > 0 ? await corrected(state, x0, sigma, euler, next) : euler
  }
  return toVariancePreserving(state, sigmas.at(-1) ?? 0)
}
