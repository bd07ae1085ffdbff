import type { Denoiser, Latent, SampleOptions } from '../denoiser.ts'
import { toVariancePreserving } from '../prediction.ts'
import { towards } from './euler.ts'

export interface AncestralOptions extends SampleOptions {
  /** How much of the noise is drawn anew at each step, 0 (none: Euler) to 1 (as much as the forward process). 1 where left out. */
  readonly eta?: number | undefined
}

/**
 * Euler with part of the noise replaced by fresh noise. A step down to `next` goes further, to
 * sqrt(next^2 - up^2), and adds up * noise, with up = eta next sqrt(1 - next^2 / sigma^2). In the variance-preserving
 * scaling that is DDIM with this eta, step for step.
 *
 * @throws TypeError if eta is not 0 and `noise` is missing. @throws RangeError if eta is not in 0..1.
 * @see Song et al. 2020, arXiv:2010.02502, equations 12 and 16
 */
export async function sampleEulerAncestral(
  denoise: Denoiser,
  x: Latent,
  sigmas: readonly number[],
  { signal, onStep, noise, eta = 1 }: AncestralOptions = {},
): Promise<Latent> {
  if (!(eta >= 0 && eta <= 1)) throw new RangeError(`eta must be 0..1, got ${eta}.`)
  if (eta > 0 && noise === undefined) throw new TypeError('noise is needed by a sampler that adds noise.')
  let state = x
  for (const [i, next] of sigmas.slice(1).entries()) {
    signal?.throwIfAborted()
    const sigma = sigmas[i]!
    const x0 = await denoise(state, sigma, signal)
    onStep?.(i, x0, sigma)
    const up = eta * next * Math.sqrt(Math.max(0, 1 - (next / sigma) ** 2))
    state = towards(x0, state, Math.sqrt(Math.max(0, next * next - up * up)) / sigma)
    if (up > 0) {
      const fresh = noise!(i, 0)
      for (let j = 0; j < state.length; j++) state[j] = state[j]! + up * fresh[j]!
    }
  }
  return toVariancePreserving(state, sigmas.at(-1) ?? 0)
}
