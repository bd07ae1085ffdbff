import type { Denoiser, Latent, SampleOptions } from '../denoiser.ts'
import { walkDown } from './walk-down.ts'

/**
 * UniPC of second order with B(h) = exp(h) - 1, on x0: a predictor as DPM-Solver++(2M), and before each further step a corrector that
 * repeats the last step with the x0 found at its end. One evaluation a step. First and last step are of first order.
 *
 * @see Zhao et al. 2023, arXiv:2302.04867, algorithms 5 to 8
 */
export async function sampleUnipc(
  denoise: Denoiser,
  x: Latent,
  sigmas: readonly number[],
  { signal, onStep }: SampleOptions = {},
): Promise<Latent> {
  const last = sigmas.length - 2
  let done: Step | undefined
  return walkDown(denoise, x, sigmas, { signal, onStep, skipLevel: true }, ({ i, x: state, x0, sigma, next }) => {
    const begin = done === undefined ? state : corrected(done, x0)
    const older = done === undefined || i === last ? undefined : { x0: done.x0, h: done.h }
    done = { x: begin, x0, h: Math.log(sigma / next), older }
    return predicted(done)
  })
}

interface Step {
  /** Where it began, and the x0 there. */
  readonly x: Latent
  readonly x0: Latent
  /** Its length in -log(sigma). */
  readonly h: number
  /** x0 of the step before and its length; absent in steps of first order. */
  readonly older: { readonly x0: Latent; readonly h: number } | undefined
}

/** x0 + exp(-h) (x - x0) + (1 - exp(-h)) D / 2, D being x0's change from before, scaled to this step. */
function predicted({ x, x0, h, older }: Step): Latent {
  const share = Math.exp(-h)
  const lead = older === undefined ? 0 : ((1 - share) * h) / older.h / 2
  return combined(x, x0, share, [lead, older?.x0], [0, undefined])
}

/**
 * The step again, with `end`, the x0 at its end: D of before and of the end weighted by the solution of the 2x2 system of the paper's
 * equation 9 (by 1/2 where there is nothing before).
 */
function corrected({ x, x0, h, older }: Step, end: Latent): Latent {
  const share = Math.exp(-h)
  if (older === undefined) return combined(x, x0, share, [0, undefined], [(1 - share) / 2, end])
  const r = -older.h / h
  // phi_2 and phi_3 of -h, over B(h) = exp(-h) - 1 and times k!
  const first = (share - 1) / -h - 1
  const b1 = first / (share - 1)
  const b2 = (2 * (first / -h - 0.5)) / (share - 1)
  const before = (b1 - b2) / (1 - r)
  const after = b1 - before
  return combined(x, x0, share, [((1 - share) * before) / -r, older.x0], [(1 - share) * after, end])
}

/** x0 + share (x - x0) + lead (x0 - older) + pull (end - x0). */
function combined(
  x: Latent,
  x0: Latent,
  share: number,
  [lead, older]: readonly [number, Latent | undefined],
  [pull, end]: readonly [number, Latent | undefined],
): Latent {
  const [behind, ahead] = [older ?? x0, end ?? x0]
  const out = new Float32Array(x.length)
  for (let j = 0; j < out.length; j++) {
    const d = x0[j]!
    out[j] = d + share * (x[j]! - d) + lead * (d - behind[j]!) + pull * (ahead[j]! - d)
  }
  return out
}
