import type { Denoiser, Latent, SampleOptions } from '../denoiser.ts'
import { toVariancePreserving } from '../prediction.ts'
import { towards } from './euler.ts'

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
  let state = x
  for (const [i, next] of sigmas.slice(1).entries()) {
    signal?.throwIfAborted()
    const sigma = sigmas[i]!
    if (next === sigma) continue
    const x0 = await denoise(state, sigma, signal)
    onStep?.(i, x0, sigma)
    if (next === 0) {
      state = x0
      continue
    }
    const middle = Math.sqrt(sigma * next)
    const upper = noise(i, 0)
    const half = ancestral(x0, state, sigma, middle, upper)
    signal?.throwIfAborted()
    const x0AtMiddle = await denoise(half, middle, signal)
    const lower = noise(i, 1)
    const [upperShare, lowerShare] = [Math.sqrt((sigma - middle) / (sigma - next)), Math.sqrt((middle - next) / (sigma - next))]
    const whole = new Float32Array(upper.length)
    for (let j = 0; j < whole.length; j++) whole[j] = upperShare * upper[j]! + lowerShare * lower[j]!
    state = ancestral(x0AtMiddle, state, sigma, next, whole)
  }
  return toVariancePreserving(state, sigmas.at(-1) ?? 0)
}

/** From sigma to next with as much fresh noise as the forward process adds: to sqrt(next^2 - up^2), and up noise. */
function ancestral(x0: Latent, x: Latent, sigma: number, next: number, noise: Float32Array): Latent {
  const up = next * Math.sqrt(Math.max(0, 1 - (next / sigma) ** 2))
  const out = towards(x0, x, Math.sqrt(Math.max(0, next * next - up * up)) / sigma)
  for (let j = 0; j < out.length; j++) out[j] = out[j]! + up * noise[j]!
  return out
}
