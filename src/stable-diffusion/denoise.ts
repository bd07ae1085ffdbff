import { cfg } from '../diffusion/cfg.ts'
import type { Denoiser, Latent, LatentShape } from '../diffusion/denoiser.ts'
import type { NoiseSchedule } from '../diffusion/noise-schedule.ts'
import { x0FromOutput } from '../diffusion/prediction.ts'
import type { RunResult } from '../onnx/engine.ts'
import { floatTensor, type Tensor } from '../onnx/tensor.ts'
import { controlResiduals, type ControlRunner } from './control-residuals.ts'
import type { Conditioning, Embedding } from './diffusion-model.ts'

/** What a denoiser needs of a loaded model. */
export interface UnetRunner {
  readonly noise: NoiseSchedule
  readonly latentChannels: number
  /** Whether both prompts share one run (where their lengths are equal). */
  readonly batched: boolean
  /** What `Conditioning.source` is divided by where the network sees the source; undefined where it does not. */
  readonly sourceScale: number | undefined
  /** Channels behind the latent that are the same for every picture of a size; asked once a denoiser. */
  readonly behind?: ((shape: LatentShape, signal: AbortSignal | undefined) => Promise<Float32Array>) | undefined
  /** Picture pixels per latent cell along a side. */
  readonly scale: number
  /** Channels of the pooled prompt; 0 where the network takes none. */
  readonly pooledWidth: number
  /** The model's ControlNets, if it has any. */
  readonly control?: ControlRunner | undefined
  run(feeds: Readonly<Record<string, Tensor>>, evaluations: number, signal: AbortSignal | undefined): Promise<RunResult>
}

/**
 * The network under a conditioning as a denoiser. It sees x / sqrt(sigma^2 + 1), and behind it with the
 * InstructPix2Pix layout the source's unscaled latent, with the inpainting layout a mask and a masked picture.
 *
 * @throws RangeError if the conditioning does not fit the model, at once.
 * @see Brooks et al. 2022, arXiv:2211.09800 (InstructPix2Pix)
 */
export function unetDenoiser(runner: UnetRunner, conditioning: Conditioning): Denoiser {
  const { noise, latentChannels, sourceScale } = runner
  const { positive, negative, cfgScale, shape } = conditioning
  const { height, width } = shape
  const count = latentChannels * height * width
  if (shape.channels !== latentChannels)
    throw new RangeError(`conditioning.shape has ${shape.channels} channels, the model ${latentChannels}.`)
  const source = sourceScale === undefined ? undefined : unscaled(conditioning.source, count, sourceScale)
  let behind: Promise<Float32Array | undefined> | undefined
  const size = { width: width * runner.scale, height: height * runner.scale }
  const control = runner.control && controlResiduals(runner.control, conditioning.controls ?? [], size)

  /** x0 under each of the prompts, in one run. */
  async function predict(x: Latent, sigma: number, prompts: PromptFeeds, signal: AbortSignal | undefined): Promise<Latent[]> {
    if (x.length !== count) throw new RangeError(`The latent has ${x.length} values, the conditioning's shape ${count}.`)
    const batch = prompts.encoder_hidden_states.dims[0]!
    behind ??= runner.behind === undefined ? Promise.resolve(source) : runner.behind(shape, signal)
    const more = await behind.catch((error: unknown) => {
      behind = undefined
      throw error
    })
    const channels = latentChannels + (more?.length ?? 0) / (height * width)
    const input = networkInput(x, sigma, more, batch)
    const timestep = floatTensor(Float32Array.of(noise.timestepAt(sigma)), [1])
    const residuals = await control?.(
      {
        ...prompts,
        sample: floatTensor(more === undefined ? input : networkInput(x, sigma, undefined, batch), [
          batch,
          latentChannels,
          height,
          width,
        ]),
        timestep,
      },
      signal,
    )
    const feeds = { ...prompts, ...residuals, sample: floatTensor(input, [batch, channels, height, width]), timestep }
    const { outputs } = await runner.run(feeds, batch, signal)
    const data = outputs['out_sample']!.data as Float32Array
    return Array.from({ length: batch }, (_, i) =>
      x0FromOutput(x, sigma, data.subarray(i * count, (i + 1) * count), noise.predictionType),
    )
  }

  const prompt = promptFeeds([positive], runner, shape)
  if (cfgScale === 1) return async (x, sigma, signal) => (await predict(x, sigma, prompt, signal))[0]!
  if (runner.batched && positive.tokens === negative.tokens) {
    const both = promptFeeds([positive, negative], runner, shape)
    return cfg(async (x, sigma, signal) => {
      const [first, second] = await predict(x, sigma, both, signal)
      return { positive: first!, negative: second! }
    }, cfgScale)
  }
  const against = promptFeeds([negative], runner, shape)
  return cfg(async (x, sigma, signal) => {
    const [first] = await predict(x, sigma, prompt, signal)
    const [second] = await predict(x, sigma, against, signal)
    return { positive: first!, negative: second! }
  }, cfgScale)
}

function unscaled(source: Latent | undefined, count: number, scale: number): Latent {
  if (source?.length !== count)
    throw new RangeError(
      `conditioning.source must be the source frame's latent of ${count} values, got ${source?.length ?? 'none'}.`,
    )
  return source.map((value) => value / scale)
}

type PromptFeeds = Readonly<Record<string, Tensor>> & { readonly encoder_hidden_states: Tensor }

/** `[prompts, tokens, width]`; for SDXL the pooled prompts, and an uncropped picture of the size that is made. */
function promptFeeds(prompts: readonly Embedding[], { pooledWidth, scale }: UnetRunner, shape: LatentShape): PromptFeeds {
  const { tokens, width } = prompts[0]!
  const encoder_hidden_states = stack(prompts, [tokens, width], ({ data }) => data)
  if (pooledWidth === 0) return { encoder_hidden_states }
  const [high, wide] = [shape.height * scale, shape.width * scale]
  return {
    encoder_hidden_states,
    text_embeds: stack(prompts, [pooledWidth], ({ pooled }) => {
      if (pooled?.length !== pooledWidth)
        throw new RangeError(
          `conditioning needs prompts with a pooled vector of ${pooledWidth} values, got ${pooled?.length ?? 'none'}.`,
        )
      return pooled
    }),
    time_ids: stack(prompts, [6], () => Float32Array.of(high, wide, 0, 0, high, wide)),
  }
}

function stack(prompts: readonly Embedding[], dims: readonly number[], part: (prompt: Embedding) => Float32Array): Tensor {
  const count = dims.reduce((product, side) => product * side, 1)
  const data = new Float32Array(prompts.length * count)
  for (const [i, prompt] of prompts.entries()) data.set(part(prompt), i * count)
  return floatTensor(data, [prompts.length, ...dims])
}

/** x / sqrt(sigma^2 + 1), what the network sees besides behind it, `batch` times. */
function networkInput(x: Latent, sigma: number, source: Latent | undefined, batch: number): Float32Array {
  const one = x.length + (source?.length ?? 0)
  const input = new Float32Array(one * batch)
  const scale = 1 / Math.sqrt(sigma * sigma + 1)
  for (let i = 0; i < x.length; i++) input[i] = x[i]! * scale
  if (source !== undefined) input.set(source, x.length)
  for (let copy = 1; copy < batch; copy++) input.copyWithin(copy * one, 0, one)
  return input
}
