import type { Denoiser, Latent } from './denoiser.ts'

/** What a network makes of one noisy latent under the prompt and under the negative prompt: x0 of both. */
export interface Branches {
  readonly positive: Latent
  readonly negative: Latent
}

/** As {@link Denoiser}, for both prompts at once, which a network does in one batch. */
export type BranchDenoiser = (x: Latent, sigma: number, signal?: AbortSignal) => Promise<Branches>

/**
 * Classifier-free guidance: negative + scale (positive - negative). It gives the same for x0, epsilon and v, because all
 * of them are affine in each other while x stays.
 *
 * @param scale 1 gives the prompt's own x0; larger ones go beyond it, away from the negative prompt.
 * @see Ho, Salimans 2022, arXiv:2207.12598
 */
export function cfg(branches: BranchDenoiser, scale: number): Denoiser {
  return async (x, sigma, signal) => {
    const { positive, negative } = await branches(x, sigma, signal)
    return mixBranches(positive, negative, scale)
  }
}

/** The formula of {@link cfg} on two arrays, whatever they predict. @throws TypeError if the lengths differ. */
export function mixBranches(positive: Latent, negative: Latent, scale: number): Latent {
  if (positive.length !== negative.length)
    throw new TypeError(`Both branches must have one length, got ${positive.length} and ${negative.length} values.`)
  const out = new Float32Array(positive.length)
  for (let i = 0; i < out.length; i++) out[i] = negative[i]! + scale * (positive[i]! - negative[i]!)
  return out
}
