import { cfg } from '../diffusion/cfg.ts'
import type { Denoiser, Latent } from '../diffusion/denoiser.ts'
import type { NoiseSchedule } from '../diffusion/noise-schedule.ts'
import { x0FromOutput } from '../diffusion/prediction.ts'
import type { RunResult } from '../onnx/engine.ts'
import { floatTensor, type Tensor } from '../onnx/tensor.ts'
import type { Conditioning, Embedding } from './diffusion-model.ts'

/** What a denoiser needs of a loaded model. */
export interface UnetRunner {
  readonly noise: NoiseSchedule
  readonly latentChannels: number
  /** Whether both prompts share one run (where their lengths are equal). */
  readonly batched: boolean
  /** What `Conditioning.source` is divided by where the network sees the source; undefined where it does not. */
  readonly sourceScale: number | undefined
  run(feeds: Readonly<Record<string, Tensor>>, evaluations: number, signal: AbortSignal | undefined): Promise<RunResult>
}

/**
 * The network under a conditioning as a denoiser. It sees x / sqrt(sigma^2 + 1), and with the InstructPix2Pix layout the
 * source's unscaled latent behind it.
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
  const channels = source === undefined ? latentChannels : 2 * latentChannels

  /** x0 under each of the prompts stacked in `states`, in one run. */
  async function predict(x: Latent, sigma: number, states: Tensor, signal: AbortSignal | undefined): Promise<Latent[]> {
    if (x.length !== count) throw new RangeError(`The latent has ${x.length} values, the conditioning's shape ${count}.`)
    const batch = states.dims[0]!
    const feeds = {
      sample: floatTensor(networkInput(x, sigma, source, batch), [batch, channels, height, width]),
      timestep: floatTensor(Float32Array.of(noise.timestepAt(sigma)), [1]),
      encoder_hidden_states: states,
    }
    const { outputs } = await runner.run(feeds, batch, signal)
    const data = outputs['out_sample']!.data as Float32Array
    return Array.from({ length: batch }, (_, i) =>
      x0FromOutput(x, sigma, data.subarray(i * count, (i + 1) * count), noise.predictionType),
    )
  }

  const prompt = stack([positive])
  if (cfgScale === 1) return async (x, sigma, signal) => (await predict(x, sigma, prompt, signal))[0]!
  if (runner.batched && positive.tokens === negative.tokens) {
    const both = stack([positive, negative])
    return cfg(async (x, sigma, signal) => {
      const [first, second] = await predict(x, sigma, both, signal)
      return { positive: first!, negative: second! }
    }, cfgScale)
  }
  const against = stack([negative])
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

/** `[prompts, tokens, width]`. */
function stack(prompts: readonly Embedding[]): Tensor {
  const { tokens, width } = prompts[0]!
  const data = new Float32Array(prompts.length * tokens * width)
  for (const [i, prompt] of prompts.entries()) data.set(prompt.data, i * tokens * width)
  return floatTensor(data, [prompts.length, tokens, width])
}

/** x / sqrt(sigma^2 + 1), the source's latent behind it, `batch` times. */
function networkInput(x: Latent, sigma: number, source: Latent | undefined, batch: number): Float32Array {
  const one = x.length + (source?.length ?? 0)
  const input = new Float32Array(one * batch)
  const scale = 1 / Math.sqrt(sigma * sigma + 1)
  for (let i = 0; i < x.length; i++) input[i] = x[i]! * scale
  if (source !== undefined) input.set(source, x.length)
  for (let copy = 1; copy < batch; copy++) input.copyWithin(copy * one, 0, one)
  return input
}
