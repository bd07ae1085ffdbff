import { checkPrompt } from '../animate/frame-prompt.ts'
import { parseSampler } from '../diffusion/samplers/sampler-by-name.ts'
import type { SigmaSpacing } from '../diffusion/spacing.ts'
import { OfgenError } from '../errors.ts'
import { parseSize, type Settings } from '../settings.ts'
import type { DiffusionModel } from '../stable-diffusion/diffusion-model.ts'
import { fitSize } from '../video/fit.ts'
import type { VideoInfo } from '../video/frame-source.ts'

/** What the settings come to for one model and one source: nothing is left open. */
export interface Resolved {
  readonly prompt: string
  readonly negative: string
  readonly strength: number
  readonly steps: number
  readonly cfgScale: number
  readonly sampler: string
  /** Absent: as the model and the sampler have it. */
  readonly sigmas?: SigmaSpacing | undefined
  readonly seed: number
  readonly method: 'flow' | 'previous' | 'reference' | 'none'
  readonly noise: 'carried' | 'same' | 'fresh'
  readonly flow: 'dis' | 'farneback'
  /** Frames to either side that each finished frame is averaged with. */
  readonly smooth: number
  readonly width: number
  readonly height: number
  readonly fit: 'cover' | 'contain' | 'fill'
}

/**
 * @throws OfgenError `option_invalid` for a style the model does not know, a size it cannot work in, or settings that exclude each other.
 */
export function resolveSettings(settings: Settings, model: DiffusionModel, info: VideoInfo): Resolved {
  const { defaults } = model
  const { sampler, sigmas } = resolveSampler(settings, defaults.sampler)
  const method = settings.method ?? (settings.schedule === undefined ? 'flow' : 'previous')
  if (settings.schedule !== undefined && method !== 'previous' && method !== 'reference')
    throw new OfgenError('option_invalid', `--schedule cannot be used with --method ${method}; accepted: previous, reference.`, {
      hint: 'Leave --method out, or write --method reference for the 2023 script with your weights.',
    })
  const reference = method === 'reference'
  const size =
    settings.size === undefined
      ? fitSize(info, defaults.area, Math.max(4 * model.scale, model.multiple))
      : checkSize(parseSize(settings.size), model.multiple)
  const prompt = (settings.prompt ?? defaults.prompt).replaceAll('{style}', styleWords(settings, model))
  const negative = settings.negative ?? defaults.negative
  checkPrompt({ prompt, negative }, settings.steps ?? defaults.steps)
  return {
    prompt,
    negative,
    // The 2023 script never runs the first step.
    strength: Math.min(settings.strength ?? defaults.strength, reference ? 0.999 : 1),
    steps: settings.steps ?? defaults.steps,
    cfgScale: settings.cfgScale ?? defaults.cfgScale,
    sampler: sampler.name,
    ...(sigmas === undefined ? {} : { sigmas }),
    seed: settings.seed,
    method,
    noise: settings.noise ?? (method === 'flow' || method === 'previous' ? 'carried' : 'fresh'),
    flow: settings.flow ?? (reference ? 'farneback' : 'dis'),
    smooth: settings.smooth ?? (method === 'flow' ? 2 : 0),
    width: size.width,
    height: size.height,
    fit: settings.fit,
  }
}

/** A spacing in the sampler's name counts as one that was given; the model's own is only taken with the model's sampler. */
function resolveSampler(settings: Settings, own: string): ReturnType<typeof parseSampler> {
  const { sampler, sigmas } = parseSampler(settings.sampler ?? own)
  if (settings.sampler !== undefined && sigmas !== undefined && settings.sigmas !== undefined && sigmas !== settings.sigmas)
    throw new OfgenError(
      'option_invalid',
      `--sampler "${settings.sampler}" and --sigmas ${settings.sigmas} contradict each other.`,
      {
        hint: `Write --sampler ${sampler.name} --sigmas ${settings.sigmas}.`,
      },
    )
  return { sampler, sigmas: settings.sigmas ?? sigmas }
}

/**
 * The style in words, which stand where a prompt says `{style}`.
 * @throws OfgenError `option_invalid` for a style the model does not know.
 */
export function styleWords(settings: Settings, { defaults, name }: DiffusionModel): string {
  const known = Object.keys(defaults.styles)
  if (settings.style !== undefined && !(settings.style in defaults.styles))
    throw new OfgenError(
      'option_invalid',
      known.length === 0
        ? `--style cannot be used with ${name}: it has no named styles.`
        : `--style cannot be "${settings.style}"; accepted for ${name}: ${known.join(', ')}.`,
      { hint: 'Describe the style with --prompt instead.' },
    )
  const style = settings.style ?? known[0]
  return style === undefined ? '' : defaults.styles[style]!
}

function checkSize(size: { width: number; height: number }, multiple: number): { width: number; height: number } {
  const smallest = multiple * 4
  for (const [side, value] of Object.entries(size)) {
    if (value % multiple !== 0 || value < smallest) {
      const near = (v: number): number => Math.max(smallest, Math.round(v / multiple) * multiple)
      throw new OfgenError(
        'option_invalid',
        `--size cannot be ${size.width}x${size.height}: the ${side} must be a multiple of ${multiple} and at least ${smallest} for this model.`,
        { hint: `The nearest size is ${near(size.width)}x${near(size.height)}.` },
      )
    }
  }
  return size
}
