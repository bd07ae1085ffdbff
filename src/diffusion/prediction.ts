import type { Latent } from './denoiser.ts'
import type { NoiseSchedule } from './noise-schedule.ts'

/*
 * The two scalings, with a = alphas_cumprod and sigma = sqrt((1 - a) / a), that is a = 1 / (1 + sigma^2):
 *   variance-exploding, here everywhere:      x  = x0 + sigma eps
 *   variance-preserving, what networks see:   xp = x / sqrt(1 + sigma^2) = sqrt(a) x0 + sqrt(1 - a) eps
 * and what networks give: eps, or v = sqrt(a) eps - sqrt(1 - a) x0 (Salimans, Ho 2022, arXiv:2202.00512).
 */

/** The noisy latent as a network sees it: x / sqrt(1 + sigma^2). */
export function toVariancePreserving(x: Latent, sigma: number): Latent {
  return scaled(x, 1 / Math.sqrt(1 + sigma * sigma))
}

/** The way back from {@link toVariancePreserving}; pure noise times this is where a run without a source begins. */
export function toVarianceExploding(x: Latent, sigma: number): Latent {
  return scaled(x, Math.sqrt(1 + sigma * sigma))
}

/** x0 + sigma noise: where an img2img run begins. @throws TypeError if the lengths differ. */
export function addNoise(x0: Latent, noise: Latent, sigma: number): Latent {
  return mixed(x0, 1, noise, sigma)
}

/** x0 from what the network gave for `x`: x - sigma eps, or x / (1 + sigma^2) - sigma / sqrt(1 + sigma^2) v. */
export function x0FromOutput(x: Latent, sigma: number, output: Latent, type: NoiseSchedule['predictionType']): Latent {
  if (type === 'epsilon') return mixed(x, 1, output, -sigma)
  const a = 1 / (1 + sigma * sigma)
  return mixed(x, a, output, -sigma * Math.sqrt(a))
}

/** What the network would have had to give for `x` to mean `x0`: (x - x0) / sigma, or x / (sigma sqrt(1 + sigma^2)) - x0 sqrt(1 + sigma^2) / sigma. */
export function outputFromX0(x: Latent, sigma: number, x0: Latent, type: NoiseSchedule['predictionType']): Latent {
  if (type === 'epsilon') return mixed(x, 1 / sigma, x0, -1 / sigma)
  const root = Math.sqrt(1 + sigma * sigma)
  return mixed(x, 1 / (sigma * root), x0, -root / sigma)
}

function scaled(x: Latent, by: number): Latent {
  const out = new Float32Array(x.length)
  for (let i = 0; i < out.length; i++) out[i] = x[i]! * by
  return out
}

function mixed(a: Latent, byA: number, b: Latent, byB: number): Latent {
  if (a.length !== b.length) throw new TypeError(`Two latents must have one length, got ${a.length} and ${b.length} values.`)
  const out = new Float32Array(a.length)
  for (let i = 0; i < out.length; i++) out[i] = a[i]! * byA + b[i]! * byB
  return out
}
