import type { Denoiser, Latent, SampleOptions } from '../denoiser.ts'
import { walkDown } from './walk-down.ts'

/**
 * DPM-Solver++(2M): second order, one evaluation a step. With lambda = -log(sigma) and h = the step in lambda,
 * x <- D + exp(-h) (x - D), where D leads x0 on by half of its change over the step before.
 * The first step is of first order, and so is the last one of a run that ends in 0, which gives x0 itself, or that has
 * fewer than 15 steps.
 *
 * @see Lu et al. 2022, arXiv:2211.01095, algorithm 2
 */
export async function sampleDpmpp2m(
  denoise: Denoiser,
  x: Latent,
  sigmas: readonly number[],
  options: SampleOptions = {},
): Promise<Latent> {
  return multistep(denoise, x, sigmas, options, 1)
}

/**
 * SDE-DPM-Solver++(2M): {@link sampleDpmpp2m} for the reverse diffusion with noise, twice as far at each step:
 * x <- D + exp(-2h) (x - D) + next sqrt(1 - exp(-2h)) noise.
 *
 * @throws TypeError if `noise` is missing.
 * @see Lu et al. 2022, arXiv:2211.01095, appendix B.4
 */
export async function sampleDpmpp2mSde(
  denoise: Denoiser,
  x: Latent,
  sigmas: readonly number[],
  options: SampleOptions = {},
): Promise<Latent> {
  if (options.noise === undefined) throw new TypeError('noise is needed by a sampler that adds noise.')
  return multistep(denoise, x, sigmas, options, 2)
}

async function multistep(
  denoise: Denoiser,
  x: Latent,
  sigmas: readonly number[],
  { signal, onStep, noise }: SampleOptions,
  reach: 1 | 2,
): Promise<Latent> {
  const last = sigmas.length - 2
  let before: { readonly x0: Latent; readonly h: number } | undefined
  return walkDown(denoise, x, sigmas, { signal, onStep }, ({ i, x: state, x0, sigma, next }) => {
    const h = Math.log(sigma / next)
    const firstOrder = before === undefined || next === 0 || (i === last && sigmas.length <= 15)
    const lead = firstOrder ? 0 : h / (2 * before!.h)
    const older = before?.x0 ?? x0
    const share = (next / sigma) ** reach
    const up = reach === 2 ? next * Math.sqrt(1 - share) : 0
    const fresh = up > 0 ? noise!(i, 0) : undefined
    const out = new Float32Array(state.length)
    for (let j = 0; j < out.length; j++) {
      const d = x0[j]! + lead * (x0[j]! - older[j]!)
      out[j] = d + share * (state[j]! - d) + (fresh === undefined ? 0 : up * fresh[j]!)
    }
    // Equal sigmas (as many steps as there are timesteps) are no step to lead on from.
    if (h > 0) before = { x0, h }
    return out
  })
}
