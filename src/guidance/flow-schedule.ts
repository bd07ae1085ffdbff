import type { GuidanceSchedule } from './guidance-schedule.ts'

/** Share of the run that is guided: the early steps lay the picture out, the late ones draw its detail and blur when guided. */
const guidedPart = 0.6
const strongest = 0.9

/**
 * The schedule of `--method flow`: as strong as the motion is trusted while the picture is laid out, then none, so that the model
 * draws the detail itself; nothing where the flow is not to be believed.
 *
 * @see Yang et al. 2023 (Rerender A Video, arXiv:2306.07954) for guiding early steps only
 */
export const flowSchedule: GuidanceSchedule = (progress, { trust, strength }) => {
  const done = (progress - (1 - strength)) / strength
  if (done > guidedPart + 1e-9) return 0
  return trust.map((value) => strongest * value)
}
