import type { Denoiser, Latent, SampleOptions } from '../denoiser.ts'
import { walkDown } from './walk-down.ts'

/** Adams-Bashforth: weights of the newest epsilon and those before it. */
const weights: readonly (readonly number[])[] = [
  [1],
  [3 / 2, -1 / 2],
  [23 / 12, -16 / 12, 5 / 12],
  [55 / 24, -59 / 24, 37 / 24, -9 / 24],
]

/**
 * Pseudo linear multistep ("PLMS"): fourth order in epsilon once four are known; the first step is repeated with the mean of the epsilons
 * at both of its ends. One evaluation a step, and one more for the first.
 *
 * @see Liu et al. 2022, arXiv:2202.09778, equations 12 and 13
 */
export async function samplePndm(
  denoise: Denoiser,
  x: Latent,
  sigmas: readonly number[],
  { signal, onStep }: SampleOptions = {},
): Promise<Latent> {
  const epsilonOf = (state: Latent, x0: Latent, sigma: number): Latent => state.map((value, j) => (value - x0[j]!) / sigma)
  const known: Latent[] = []
  return walkDown(denoise, x, sigmas, { signal, onStep, skipLevel: true }, async ({ x: state, x0, sigma, next }) => {
    known.unshift(epsilonOf(state, x0, sigma))
    if (known.length > 4) known.pop()
    if (known.length > 1 || next === 0) return moved(state, next - sigma, known, weights[known.length - 1]!)
    const end = moved(state, next - sigma, known, [1])
    signal?.throwIfAborted()
    const atEnd = epsilonOf(end, await denoise(end, next, signal), next)
    return moved(state, next - sigma, [known[0]!, atEnd], [0.5, 0.5])
  })
}

/** x + step (the weighted epsilons). */
function moved(x: Latent, step: number, epsilons: readonly Latent[], by: readonly number[]): Latent {
  const out = Float32Array.from(x)
  for (const [n, weight] of by.entries()) {
    const epsilon = epsilons[n]!
    for (let j = 0; j < out.length; j++) out[j] = out[j]! + step * weight * epsilon[j]!
  }
  return out
}
