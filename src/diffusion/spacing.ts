import type { NoiseSchedule } from './noise-schedule.ts'

/**
 * The samplers lay their steps out in different ways: DDIM at whole timesteps; DDPM too, but always down to 0; Euler and its relatives at
 * fractional ones; DPM++ as if there was one step more, the last of which is left away; LCM at some of the 50 it was distilled for.
 */
export type StepLayout = 'ddim' | 'ddpm' | 'euler' | 'dpmpp' | 'lcm'

/** Ways to space the noise levels that hold for any sampler, see {@link StepRequest.sigmas}. */
export const sigmaSpacings = ['karras', 'exponential', 'sgm_uniform', 'simple', 'trailing', 'linspace', 'leading'] as const

export type SigmaSpacing = (typeof sigmaSpacings)[number]

export interface StepRequest {
  readonly layout: StepLayout
  /** Steps of a whole run, 1..trainSteps. */
  readonly steps: number
  /** How much of the run is done, above 0..1: the last `floor(steps * strength)` steps. 1 where left out. */
  readonly strength?: number | undefined
  /**
   * Instead of the schedule's own spacing. Over the whole range of the schedule and down to 0, whatever the layout: `karras` (Karras et al.
   * 2022, equation 5), `exponential` (even in log(sigma)), `sgm_uniform` (even in the timestep, the last one left away), `simple` (the same
   * at whole timesteps). In the layout: `trailing`, `linspace` and `leading`, as diffusers' `timestep_spacing`.
   */
  readonly sigmas?: SigmaSpacing | undefined
}

export interface NoiseSteps {
  /** Descending, one more than steps are run; the last one is where the sampler ends: 0, or what the schedule says. */
  readonly sigmas: readonly number[]
  /** Of all sigmas but the last. */
  readonly timesteps: readonly number[]
  /** Steps left away at the beginning: step i of the run is step `first + i` of the whole. */
  readonly first: number
  /** Steps of the whole run. */
  readonly steps: number
}

/**
 * The noise levels a sampler walks down, as the diffusers schedulers space them. For DDIM each step leads to the next
 * timestep of the list also where diffusers, for counts that do not divide the training timesteps, misses it by a little.
 *
 * @throws RangeError if steps or strength are out of range, or so small that no step would be run.
 */
export function noiseSteps(schedule: NoiseSchedule, { layout, steps, strength = 1, sigmas: spacing }: StepRequest): NoiseSteps {
  if (!Number.isInteger(steps) || steps < 1 || steps > schedule.trainSteps)
    throw new RangeError(`steps must be a whole number from 1 to ${schedule.trainSteps}, got ${steps}.`)
  if (!(strength > 0 && strength <= 1)) throw new RangeError(`strength must be above 0 and at most 1, got ${strength}.`)
  const run = Math.min(Math.floor(steps * strength), steps)
  if (run < 1) throw new RangeError(`strength ${strength} of ${steps} steps is less than one step.`)
  const first = steps - run
  if (spacing === 'karras' || spacing === 'exponential' || spacing === 'sgm_uniform' || spacing === 'simple') {
    const { timesteps, sigmas } = wholeRange(schedule, spacing, steps)
    return { sigmas: [...sigmas.slice(first), 0], timesteps: timesteps.slice(first), first, steps }
  }
  const { timesteps, sigmas } =
    spacing === undefined ? wholeRun(schedule, layout, steps) : wholeRun({ ...schedule, spacing, karras: false }, layout, steps)
  const toZero =
    layout === 'ddim' ? schedule.setAlphaToOne : layout === 'ddpm' || layout === 'lcm' || schedule.finalSigmas === 'zero'
  return { sigmas: [...sigmas.slice(first), toZero ? 0 : schedule.sigmaAt(0)], timesteps: timesteps.slice(first), first, steps }
}

function wholeRun(
  schedule: NoiseSchedule,
  layout: StepLayout,
  steps: number,
): { timesteps: readonly number[]; sigmas: readonly number[] } {
  const spaced = spacedTimesteps(schedule, layout, steps)
  const evenly = !schedule.karras || (layout !== 'euler' && layout !== 'dpmpp')
  if (evenly) return { timesteps: spaced, sigmas: spaced.map((t) => schedule.sigmaAt(t)) }
  // DPM++ spans all of the schedule, whatever the spacing.
  const [high, low] = layout === 'dpmpp' ? [schedule.trainSteps - 1, 0] : [spaced[0]!, spaced.at(-1)!]
  const sigmas = karrasSigmas(schedule.sigmaAt(high), schedule.sigmaAt(low), steps)
  return { timesteps: sigmas.map((sigma) => schedule.timestepAt(sigma)), sigmas }
}

function wholeRange(
  schedule: NoiseSchedule,
  spacing: 'karras' | 'exponential' | 'sgm_uniform' | 'simple',
  steps: number,
): { timesteps: readonly number[]; sigmas: readonly number[] } {
  const last = schedule.trainSteps - 1
  const [high, low] = [schedule.sigmaAt(last), schedule.sigmaAt(0)]
  const along = (i: number): number => (steps === 1 ? 0 : i / (steps - 1))
  const each = <T>(of: (i: number) => T): T[] => Array.from({ length: steps }, (_, i) => of(i))
  if (spacing === 'sgm_uniform' || spacing === 'simple') {
    const timesteps = each((i) =>
      spacing === 'simple' ? last - Math.floor((i * schedule.trainSteps) / steps) : last - (last * i) / steps,
    )
    return { timesteps, sigmas: timesteps.map((t) => schedule.sigmaAt(t)) }
  }
  const sigmas =
    spacing === 'karras' ? karrasSigmas(high, low, steps) : each((i) => (i === 0 ? high : high * (low / high) ** along(i)))
  return { timesteps: sigmas.map((sigma) => schedule.timestepAt(sigma)), sigmas }
}

/** `steps` timesteps, descending. */
function spacedTimesteps(schedule: NoiseSchedule, layout: StepLayout, steps: number): number[] {
  const { trainSteps, spacing, stepsOffset } = schedule
  const last = trainSteps - 1
  const extra = layout === 'dpmpp' ? 1 : 0
  // Distilled with 50 steps of DDIM: some of those, counted from the noisy end.
  const originals = Math.min(Math.max(50, steps), trainSteps)
  const at = (i: number): number => {
    if (layout === 'lcm') return (originals - Math.floor((i * originals) / steps)) * Math.floor(trainSteps / originals) - 1
    switch (spacing) {
      case 'leading':
        return Math.min((steps - 1 - i + extra) * Math.max(Math.floor(trainSteps / (steps + extra)), 1) + stepsOffset, last)
      case 'trailing':
        return Math.max(roundHalfEven(trainSteps - (i * trainSteps) / steps) - 1, 0)
      case 'linspace': {
        if (steps + extra === 1) return layout === 'euler' ? last : 0
        const t = ((steps - 1 - i + extra) * last) / (steps - 1 + extra)
        return layout === 'euler' ? t : roundHalfEven(t)
      }
    }
  }
  return Array.from({ length: steps }, (_, i) => at(i))
}

/** Equation 5 of Karras et al. 2022, arXiv:2206.00364, with rho = 7; `high` and `low` themselves are the ends. */
function karrasSigmas(high: number, low: number, steps: number): number[] {
  const [a, b] = [high ** (1 / 7), low ** (1 / 7)]
  return Array.from({ length: steps }, (_, i) => {
    if (i === 0) return high
    return i === steps - 1 ? low : (a + ((b - a) * i) / (steps - 1)) ** 7
  })
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value)
  if (value - floor !== 0.5) return Math.round(value)
  return floor % 2 === 0 ? floor : floor + 1
}
