import type { Denoiser, Latent, SampleOptions } from '../denoiser.ts'
import { ancestralStep } from './euler-ancestral.ts'
import { walkDown } from './walk-down.ts'

/**
 * DPM-Solver++ for the reverse diffusion with noise, second order in one step ("DPM++ SDE"): an ancestral step to the level half way down
 * in log(sigma), then the whole step with the x0 found there. Two evaluations a step, one for the last step of a run that ends in 0. The
 * noise of both halves is that of one Brownian motion over sigma.
 *
 * @throws TypeError if `noise` is missing.
 * @see Lu et al. 2022, arXiv:2211.01095; Karras et al. 2022, arXiv:2206.00364 (the ancestral split is that of sample_dpmpp_sde in k-diffusion)
 */
export async function sampleDpmppSde(
  denoise: Denoiser,
  x: Latent,
  sigmas: readonly number[],
  { signal, onStep, noise }: SampleOptions = {},
): Promise<Latent> {
  if (noise === undefined) throw new TypeError('noise is needed by a sampler that adds noise.')
  return walkDown(denoise, x, sigmas, { signal, onStep, skipLevel: true }, async ({ i, x: state, x0, sigma, next }) => {
    if (next === 0) return x0
    const middle = Math.sqrt(sigma * next)
    const upper = noise(i, 0)
    const half = ancestralStep(x0, state, { sigma, next: middle, eta: 1 }, () => upper)
    signal?.throwIfAborted()
    const x0AtMiddle = await denoise(half, middle, signal)
    const lower = noise(i, 1)
    const [upperShare, lowerShare] = [Math.sqrt((sigma - middle) / (sigma - next)), Math.sqrt((middle - next) / (sigma - next))]
    const whole = new Float32Array(upper.length)
    for (let j = 0; j < whole.length; j++) whole[j] = upperShare * upper[j]! + lowerShare * lower[j]!
    return ancestralStep(x0AtMiddle, state, { sigma, next, eta: 1 }, () => whole)
  })
}
