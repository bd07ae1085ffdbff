import type { Denoiser, Latent, SampleOptions } from '../denoiser.ts'
import { toVariancePreserving } from '../prediction.ts'

/** A step of a sampler, with the clean latent predicted at its beginning. */
export interface SamplerStep {
  /** Counts from 0. */
  readonly i: number
  /** Noise levels at its beginning and its end. */
  readonly sigma: number
  readonly next: number
  readonly x: Latent
  readonly x0: Latent
}

export interface WalkOptions extends Pick<SampleOptions, 'signal' | 'onStep'> {
  /** Leave out steps whose ends are at one level (as many steps as there are timesteps), for samplers that divide by their length. */
  readonly skipLevel?: boolean
}

/** What all samplers share: at each level x0 is predicted and reported, and `step` says where the latent goes from there. */
export async function walkDown(
  denoise: Denoiser,
  x: Latent,
  sigmas: readonly number[],
  { signal, onStep, skipLevel }: WalkOptions,
  step: (at: SamplerStep) => Latent | Promise<Latent>,
): Promise<Latent> {
  let state = x
  for (const [i, next] of sigmas.slice(1).entries()) {
    signal?.throwIfAborted()
    const sigma = sigmas[i]!
    if (skipLevel && next === sigma) continue
    const x0 = await denoise(state, sigma, signal)
    onStep?.(i, x0, sigma)
    state = await step({ i, sigma, next, x: state, x0 })
  }
  return toVariancePreserving(state, sigmas.at(-1) ?? 0)
}
