import type { Denoiser, Latent } from '../diffusion/denoiser.ts'

/**
 * The share of the prediction at a noise level: one for all, or one a latent cell, row-major `[height * width]`, which all
 * channels share.
 */
export type Weight = (sigma: number) => number | Float32Array

/**
 * Draws what a denoiser predicts to `k0`: x0' = (1 - w) x0 + w k0. A sampler takes the rest from x0', so its epsilon is
 * (x - x0') / sigma by itself, and every sampler can be guided, also one that evaluates twice a step.
 *
 * @param k0 Latent of the picture to be drawn to, clean.
 * @throws TypeError (the denoiser) if the latent, `k0` and the weights do not fit each other.
 */
export function guideTowards(k0: Latent, weight: Weight, denoise: Denoiser): Denoiser {
  return async (x, sigma, signal) => {
    if (x.length !== k0.length) throw new TypeError(`k0 has ${k0.length} values, the latent ${x.length}.`)
    // The network is asked first: it works while the weights are computed.
    const predicted = denoise(x, sigma, signal)
    predicted.catch(() => undefined)
    const w = weight(sigma)
    const x0 = await predicted
    if (typeof w === 'number') return w === 0 ? x0 : blendAll(x0, k0, w)
    if (w.length === 0 || k0.length % w.length !== 0)
      throw new TypeError(`The weights have ${w.length} values; a latent of ${k0.length} values is no multiple of that.`)
    return blendCells(x0, k0, w)
  }
}

function blendAll(x0: Latent, k0: Latent, w: number): Latent {
  const out = new Float32Array(x0.length)
  for (let i = 0; i < out.length; i++) out[i] = (1 - w) * x0[i]! + w * k0[i]!
  return out
}

function blendCells(x0: Latent, k0: Latent, w: Float32Array): Latent {
  const out = new Float32Array(x0.length)
  for (let start = 0; start < out.length; start += w.length)
    for (let cell = 0; cell < w.length; cell++) {
      const i = start + cell
      out[i] = (1 - w[cell]!) * x0[i]! + w[cell]! * k0[i]!
    }
  return out
}
