import type { LatentShape } from '../diffusion/denoiser.ts'
import type { NoiseSteps } from '../diffusion/spacing.ts'
import { resizePlane } from '../image/resize.ts'
import type { GuidanceSchedule, ScheduleMotion } from './guidance-schedule.ts'
import type { Weight } from './guide.ts'

/** The part of a run that tells how far it is. */
export type RunSteps = Pick<NoiseSteps, 'sigmas' | 'first' | 'steps'>

/**
 * How far a run is at a noise level: (step + 1) / steps of the whole run for the levels at which its steps begin; between
 * two of them, where some samplers evaluate too, interpolated in log(sigma).
 */
export function progressOf({ sigmas, first, steps }: RunSteps): (sigma: number) => number {
  return (sigma) => Math.min((stepOf(sigmas, sigma) + first + 1) / steps, 1)
}

function stepOf(sigmas: readonly number[], sigma: number): number {
  const next = sigmas.findIndex((level) => level <= sigma)
  if (next < 0) return sigmas.length - 1
  if (next === 0 || sigmas[next] === sigma) return next
  const [above, below] = [sigmas[next - 1]!, sigmas[next]!]
  return below === 0 ? next - 1 : next - 1 + Math.log(above / sigma) / Math.log(above / below)
}

/**
 * A schedule's weights for one frame, on the latent grid: resized bilinearly between cell centres, without antialiasing,
 * as the 2023 script does.
 *
 * @throws RangeError (the weight) if the schedule gives neither a number nor a value for each pixel.
 */
export function scheduledWeight(
  schedule: GuidanceSchedule,
  motion: ScheduleMotion,
  run: RunSteps,
  { width, height }: Pick<LatentShape, 'width' | 'height'>,
): Weight {
  const progress = progressOf(run)
  return (sigma) => {
    const weights = schedule(progress(sigma), motion)
    if (typeof weights === 'number') return weights
    if (weights.length !== motion.width * motion.height)
      throw new RangeError(`The guidance schedule gave ${weights.length} weights for ${motion.width}x${motion.height} pixels.`)
    return resizePlane({ width: motion.width, height: motion.height, data: weights }, width, height).data
  }
}
