import type { Denoiser, Latent } from '../diffusion/denoiser.ts'
import type { NoiseSchedule } from '../diffusion/noise-schedule.ts'
import type { RunResult } from '../onnx/engine.ts'
import { floatTensor, type Tensor } from '../onnx/tensor.ts'
import type { Conditioning, Embedding } from './diffusion-model.ts'

export interface UnetRunner {
  readonly noise: NoiseSchedule
  /** Channels of the network's output. */
  readonly latentChannels: number
  /** Whether the prompt and the negative prompt share one run. */
  readonly batched: boolean
  /** Divides `Conditioning.source` where the network sees the source; undefined where it does not. */
  readonly sourceScale: number | undefined
  run(feeds: Readonly<Record<string, Tensor>>, evaluations: number, signal: AbortSignal | undefined): Promise<RunResult>
}

/**
 * The network under a conditioning as a denoiser. It sees x / sqrt(sigma^2 + 1), and with the InstructPix2Pix layout
 * the source's unscaled latent behind it; its epsilon or v, mixed by classifier-free guidance, becomes x0.
 *
 * @throws RangeError if the conditioning does not fit the model, at once.
 * @see Ho and Salimans 2022, arXiv:2207.12598; Salimans and Ho 2022, arXiv:2202.00512 (v); Brooks et al. 2022, arXiv:2211.09800
 */
export function unetDenoiser(runner: UnetRunner, conditioning: Conditioning): Denoiser {
  const { noise, latentChannels, sourceScale } = runner
  const { positive, negative, cfgScale, shape } = conditioning
  const { height, width } = shape
  const count = latentChannels * height * width
  if (shape.channels !== latentChannels)
    throw new RangeError(`conditioning.shape has ${shape.channels} channels, the model ${latentChannels}.`)
  const source = sourceScale === undefined ? undefined : unscaled(conditioning.source, count, sourceScale)
  const branches = cfgScale === 1 ? [positive] : [positive, negative]
  const sameLength = positive.tokens === negative.tokens
  const runs = (runner.batched && sameLength ? [branches] : branches.map((branch) => [branch])).map((group) => ({
    size: group.length,
    states: stack(group),
  }))

  return async (x, sigma, signal) => {
    if (x.length !== count) throw new RangeError(`The latent has ${x.length} values, the conditioning's shape ${count}.`)
    const timestep = floatTensor(Float32Array.of(noise.timestepAt(sigma)), [1])
    const outputs: Float32Array[] = []
    for (const { size, states } of runs) {
      const sample = networkInput(x, sigma, source, size)
      const channels = sample.length / (size * height * width)
      const feeds = {
        sample: floatTensor(sample, [size, channels, height, width]),
        timestep,
        encoder_hidden_states: states,
      }
      const { outputs: results } = await runner.run(feeds, size, signal)
      const data = results['out_sample']!.data as Float32Array
      for (let i = 0; i < size; i++) outputs.push(data.subarray(i * count, (i + 1) * count))
    }
    return toX0(x, sigma, mix(outputs, cfgScale), noise.predictionType)
  }
}

function unscaled(source: Latent | undefined, count: number, scale: number): Latent {
  if (source?.length !== count)
    throw new RangeError(`conditioning.source must be the source frame's latent of ${count} values, got ${source?.length ?? 'none'}.`)
  return source.map((value) => value / scale)
}

/** `[branches, tokens, width]`. */
function stack(group: readonly Embedding[]): Tensor {
  const { tokens, width } = group[0]!
  const data = new Float32Array(group.length * tokens * width)
  for (const [i, embedding] of group.entries()) data.set(embedding.data, i * tokens * width)
  return floatTensor(data, [group.length, tokens, width])
}

/** x / sqrt(sigma^2 + 1), the source's latent behind it, `size` times. */
function networkInput(x: Latent, sigma: number, source: Latent | undefined, size: number): Float32Array {
  const one = x.length + (source?.length ?? 0)
  const input = new Float32Array(one * size)
  const scale = 1 / Math.sqrt(sigma * sigma + 1)
  for (let i = 0; i < x.length; i++) input[i] = x[i]! * scale
  if (source !== undefined) input.set(source, x.length)
  for (let copy = 1; copy < size; copy++) input.copyWithin(copy * one, 0, one)
  return input
}

/** negative + scale (positive - negative). */
function mix([positive, negative]: readonly Float32Array[], scale: number): Float32Array {
  if (negative === undefined) return positive!
  const mixed = new Float32Array(negative.length)
  for (let i = 0; i < mixed.length; i++) mixed[i] = negative[i]! + scale * (positive![i]! - negative[i]!)
  return mixed
}

function toX0(x: Latent, sigma: number, output: Float32Array, predictionType: NoiseSchedule['predictionType']): Latent {
  const x0 = new Float32Array(x.length)
  // With a = 1 / (1 + sigma^2): epsilon gives x - sigma epsilon, v gives a x - sigma sqrt(a) v.
  const alpha = predictionType === 'epsilon' ? 1 : 1 / (1 + sigma * sigma)
  const beta = sigma * Math.sqrt(alpha)
  for (let i = 0; i < x0.length; i++) x0[i] = alpha * x[i]! - beta * output[i]!
  return x0
}
