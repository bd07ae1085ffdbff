import type { Denoiser, Latent, LatentShape } from '../diffusion/denoiser.ts'
import { parseSampler } from '../diffusion/samplers/sampler-by-name.ts'
import { noiseSteps, type NoiseSteps, type SigmaSpacing } from '../diffusion/spacing.ts'
import type { FloatImage, Frame } from '../image/frame.ts'
import type { DiffusionModel } from '../stable-diffusion/diffusion-model.ts'
import { actingAt, type PaintControl } from './frame-controls.ts'
import { createPrompter, stepAt, type FramePrompt } from './frame-prompt.ts'

/** How every frame of a render is painted. */
export interface PaintSettings extends FramePrompt {
  readonly cfgScale: number
  readonly strength: number
  readonly steps: number
  readonly sampler: string
  /** Spacing of the noise levels; the model's own where left out. */
  readonly sigmas?: SigmaSpacing | undefined
  /** Sides of the frames in pixels, multiples of the model's. */
  readonly width: number
  readonly height: number
}

/** One frame to be painted. */
export interface PaintRequest {
  /** The source frame's latent, as `encode` gives it. */
  readonly source: Latent
  /** Standard normal, as long as the latent. */
  readonly noise: Latent
  /** By default the settings' own. */
  readonly prompt?: FramePrompt | undefined
  /** The steps to run; by default the settings' own. */
  readonly run?: NoiseSteps | undefined
  /** What the model's ControlNets see of the picture, or of the part that is painted. */
  readonly controls?: readonly PaintControl[] | undefined
  /** Sides of the latent, where a part of the picture is painted; by default the whole. */
  readonly shape?: LatentShape | undefined
  /** Wraps the model's denoiser, for guidance. */
  readonly steer?: ((denoise: Denoiser) => Denoiser) | undefined
  /** Fresh noise of a step, for samplers that draw some. */
  readonly stepNoise?: ((step: number, draw: number) => Latent) | undefined
  readonly signal?: AbortSignal | undefined
  readonly watch?: PaintWatch | undefined
}

/** Hears of the work on one frame. */
export interface PaintWatch {
  /** A step is done; counts from 1. */
  readonly onStep: (step: number) => void
  /** The network was evaluated so many times, cfg counted. */
  readonly onEvaluations: (count: number) => void
}

/** Paints frames with one model and one size. */
export interface Painter {
  readonly shape: LatentShape
  /** How often the sampler asks for `stepNoise` at a step. */
  readonly draws: number
  /** Noise levels that are walked down, and which steps of the whole run they are. */
  readonly run: NoiseSteps
  /** About half as many steps from about the same noise, for small parts. */
  readonly shortRun: NoiseSteps
  encode(image: Frame | FloatImage, signal?: AbortSignal): Promise<Latent>
  /** @returns 0..1, of the whole picture or of a part. */
  decode(
    latent: Latent,
    options?: { readonly shape?: LatentShape; readonly signal?: AbortSignal | undefined },
  ): Promise<FloatImage>
  /** img2img: noises the source to the first level and walks down from there. Resolves to the clean latent. */
  paint(request: PaintRequest): Promise<Latent>
}

/** Embeds the prompts and lays out the steps; what can be wrong with the settings is found here. */
export async function createPainter(model: DiffusionModel, settings: PaintSettings, signal?: AbortSignal): Promise<Painter> {
  const { sampler, sigmas: own } = parseSampler(settings.sampler)
  const { strength, sigmas = own } = settings
  const run = noiseSteps(model.noise, { layout: sampler.layout, steps: settings.steps, strength, sigmas })
  const few = Math.ceil((run.sigmas.length - 1) / 2)
  const shortRun = noiseSteps(model.noise, {
    layout: sampler.layout,
    steps: Math.ceil(few / strength),
    strength,
    sigmas,
  })
  const shape: LatentShape = {
    channels: model.latentChannels,
    height: settings.height / model.scale,
    width: settings.width / model.scale,
  }
  const prompter = createPrompter(model, { cfgScale: settings.cfgScale, steps: run.sigmas.length - 1 })
  await prompter(settings, signal)
  return {
    shape,
    draws: sampler.draws,
    run,
    shortRun,
    encode: (image, stop) => model.encode(image, stop),
    decode: (latent, options = {}) => model.decode(latent, options.shape ?? shape, options.signal),
    async paint({
      source,
      noise,
      prompt = settings,
      run: steps = run,
      controls = [],
      shape: part = shape,
      steer,
      stepNoise,
      signal: stop,
      watch,
    }) {
      const count = steps.sigmas.length - 1
      // A shorter run has the prompts of the last steps, which give a picture its look.
      const pairs = (await prompter(prompt, stop)).slice(-count)
      const networks = new Map<string, Denoiser>()
      const networkAt = (step: number): Denoiser => {
        const pair = pairs[step]!
        const acting = actingAt(controls, step, count)
        const key = [pairs.indexOf(pair), ...acting.map((control) => controls.indexOf(control))].join(' ')
        const one =
          networks.get(key) ??
          model.denoiser({
            ...pair,
            cfgScale: settings.cfgScale,
            shape: part,
            controls: acting,
            ...(model.seesSource ? { source } : {}),
          })
        networks.set(key, one)
        return one
      }
      const denoise: Denoiser = async (x, level, signal) => {
        const x0 = await networkAt(stepAt(steps.sigmas, level))(x, level, signal)
        watch?.onEvaluations(settings.cfgScale === 1 ? 1 : 2)
        return x0
      }
      const sigma = steps.sigmas[0]!
      const start = new Float32Array(source.length)
      for (let i = 0; i < start.length; i++) start[i] = source[i]! + sigma * noise[i]!
      return sampler.sample(steer === undefined ? denoise : steer(denoise), start, steps.sigmas, {
        signal: stop,
        noise: stepNoise,
        onStep: (step) => watch?.onStep(step + 1),
      })
    },
  }
}
