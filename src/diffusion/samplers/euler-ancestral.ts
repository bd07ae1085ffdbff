import type { Denoiser, Latent, SampleOptions } from '../denoiser.ts'
import { towards } from './euler.ts'
import { walkDown } from './walk-down.ts'

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
  return walkDown(denoise, x, sigmas, { signal, onStep }, ({ i, x: state, x0, sigma, next }) =>
    ancestralStep(x0, state, { sigma, next, eta }, () => noise!(i, 0)),
  )
}

/**
 * The step above, alone.
 *
 * @param fresh Asked for noise only where some is added.
 */
export function ancestralStep(
  x0: Latent,
  x: Latent,
  { sigma, next, eta }: { readonly sigma: number; readonly next: number; readonly eta: number },
  fresh: () => Float32Array,
): Latent {
  const up = eta * next * Math.sqrt(Math.max(0, 1 - (next / sigma) ** 2))
  const out = towards(x0, x, Math.sqrt(Math.max(0, next * next - up * up)) / sigma)
  if (up > 0) {
    const noise = fresh()
    for (let j = 0; j < out.length; j++) out[j] = out[j]! + up * noise[j]!
  }
  return out
}
