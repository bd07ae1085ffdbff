import { z } from 'zod'
import { OfgenError } from '../errors.ts'

/** How a model was trained to see noise, and how its steps are spaced. Built from a diffusers `scheduler_config.json`. */
export interface NoiseSchedule {
  readonly predictionType: 'epsilon' | 'v_prediction'
  /** Training timesteps, usually 1000. */
  readonly trainSteps: number
  /** How the timesteps of a run are chosen from the training timesteps; see `spacing.ts`. */
  readonly spacing: TimestepSpacing
  /** Added to every timestep of the leading spacing. */
  readonly stepsOffset: number
  /** Where DDIM ends: at sigma 0, or at the sigma of timestep 0 as the Stable Diffusion checkpoints do. */
  readonly setAlphaToOne: boolean
  /** Where all other samplers end. */
  readonly finalSigmas: 'zero' | 'sigma_min'
  /** Steps spaced as Karras et al. 2022 do (arXiv:2206.00364, equation 5), where the sampler is not told otherwise. */
  readonly karras: boolean
  /** sigma = sqrt((1 - a) / a) of a training timestep, 0..trainSteps - 1; fractional ones are interpolated linearly, others clamped. */
  sigmaAt(timestep: number): number
  /**
   * The (possibly fractional) timestep of a sigma, interpolated in log(sigma) and clamped to 0..trainSteps - 1; exact for
   * sigmas that `sigmaAt` gave for whole timesteps.
   */
  timestepAt(sigma: number): number
}

export type TimestepSpacing = 'leading' | 'trailing' | 'linspace'

/** JSON has null where a default is meant. */
const optional = <T extends z.ZodType>(type: T) => type.nullish().transform((value) => value ?? undefined)

const schedulerConfig = z.object({
  _class_name: optional(z.string()),
  num_train_timesteps: optional(z.number().int().min(1)),
  beta_start: optional(z.number().positive()),
  beta_end: optional(z.number().positive()),
  beta_schedule: optional(z.enum(['linear', 'scaled_linear', 'squaredcos_cap_v2'])),
  trained_betas: optional(z.array(z.number().gt(0).lt(1)).min(1)),
  prediction_type: optional(z.enum(['epsilon', 'v_prediction'])),
  timestep_spacing: optional(z.enum(['leading', 'trailing', 'linspace'])),
  steps_offset: optional(z.number().int().min(0)),
  set_alpha_to_one: optional(z.boolean()),
  final_sigmas_type: optional(z.enum(['zero', 'sigma_min'])),
  use_karras_sigmas: optional(z.boolean()),
  rescale_betas_zero_snr: optional(z.boolean()),
})

/** Schedulers whose steps are spaced evenly over the whole range where their configuration does not say. */
const linspaceClass = /^(Euler|Heun|LMS|KDPM2|DPMSolver|DEIS|UniPC)/

/**
 * Reads a diffusers `scheduler_config.json`, whichever scheduler it was saved by; `{}` gives the library's own defaults,
 * which no Stable Diffusion checkpoint uses.
 *
 * @param config The parsed file. Settings that have nothing to do with noise are ignored.
 * @param path Named in errors.
 * @throws OfgenError model_invalid if a value is none of the accepted ones.
 */
export function noiseScheduleFromConfig(config: unknown, path = 'scheduler_config.json'): NoiseSchedule {
  const parsed = schedulerConfig.safeParse(config)
  if (!parsed.success)
    throw new OfgenError('model_invalid', `The noise schedule in ${path} cannot be used: ${describe(parsed.error)}.`, {
      hint: 'Take the scheduler configuration of a Stable Diffusion model of the same family.',
      cause: parsed.error,
    })
  const given = parsed.data
  const alphas = cumulativeAlphas(given)
  const sigmas = Float64Array.from(alphas, (a) => Math.sqrt((1 - a) / a))
  const className = given._class_name ?? ''
  return {
    predictionType: given.prediction_type ?? 'epsilon',
    trainSteps: sigmas.length,
    spacing: given.timestep_spacing ?? (linspaceClass.test(className) ? 'linspace' : 'leading'),
    stepsOffset: given.steps_offset ?? 0,
    setAlphaToOne: given.set_alpha_to_one ?? className !== 'PNDMScheduler',
    finalSigmas: given.final_sigmas_type ?? 'zero',
    karras: given.use_karras_sigmas ?? false,
    sigmaAt: (timestep) => sigmaAt(sigmas, timestep),
    timestepAt: (sigma) => timestepAt(sigmas, sigma),
  }
}

function describe(error: z.ZodError): string {
  return error.issues.map(({ path, message }) => `${path.join('.') || 'it'}: ${message}`).join('; ')
}

/** alphas_cumprod: the share of the picture's variance that is left at each training timestep, descending. */
function cumulativeAlphas(config: z.infer<typeof schedulerConfig>): Float64Array {
  const alphas = Float64Array.from(betas(config))
  let product = 1
  for (let i = 0; i < alphas.length; i++) {
    product *= 1 - alphas[i]!
    alphas[i] = product
  }
  return config.rescale_betas_zero_snr === true ? rescaledToZeroSnr(alphas) : alphas
}

function betas(config: z.infer<typeof schedulerConfig>): readonly number[] {
  if (config.trained_betas !== undefined) return config.trained_betas
  const count = config.num_train_timesteps ?? 1000
  const start = config.beta_start ?? 0.0001
  const end = config.beta_end ?? 0.02
  switch (config.beta_schedule ?? 'linear') {
    case 'linear':
      return evenly(start, end, count)
    case 'scaled_linear':
      return evenly(Math.sqrt(start), Math.sqrt(end), count).map((root) => root * root)
    case 'squaredcos_cap_v2': {
      // Nichol, Dhariwal 2021, arXiv:2102.09672, equation 17.
      const left = (t: number): number => Math.cos((((t / count + 0.008) / 1.008) * Math.PI) / 2) ** 2
      return Array.from({ length: count }, (_, i) => Math.min(1 - left(i + 1) / left(i), 0.999))
    }
  }
}

/** `count` numbers from `first` to `last`. */
function evenly(first: number, last: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => (count === 1 ? first : first + ((last - first) * i) / (count - 1)))
}

/**
 * Lin et al. 2023 (arXiv:2305.08891, algorithm 1): shifts and scales sqrt(a) so that nothing of the picture is left at the
 * last timestep. There sigma would be infinite; a = 1e-12 makes it a million, which is the same to float32.
 */
function rescaledToZeroSnr(alphas: Float64Array): Float64Array {
  const first = Math.sqrt(alphas[0]!)
  const last = Math.sqrt(alphas.at(-1)!)
  if (first === last) return alphas
  return alphas.map((a) => Math.max((((Math.sqrt(a) - last) * first) / (first - last)) ** 2, 1e-12))
}

function sigmaAt(sigmas: Float64Array, timestep: number): number {
  const t = Math.min(Math.max(timestep, 0), sigmas.length - 1)
  const low = Math.floor(t)
  const high = Math.min(low + 1, sigmas.length - 1)
  return sigmas[low]! + (t - low) * (sigmas[high]! - sigmas[low]!)
}

function timestepAt(sigmas: Float64Array, sigma: number): number {
  let low = 0
  let high = sigmas.length - 1
  if (sigma <= sigmas[low]!) return low
  if (sigma >= sigmas[high]!) return high
  while (high - low > 1) {
    const middle = (low + high) >>> 1
    if (sigmas[middle]! <= sigma) low = middle
    else high = middle
  }
  const floor = Math.log(sigmas[low]!)
  return low + (Math.log(sigma) - floor) / (Math.log(sigmas[high]!) - floor)
}
