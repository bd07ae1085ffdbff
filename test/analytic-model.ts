import type { AnimateSettings } from '../src/animate/animate.ts'
import type { Latent, LatentShape } from '../src/diffusion/denoiser.ts'
import { noiseScheduleFromConfig } from '../src/diffusion/noise-schedule.ts'
import { toFloatImage, type FloatImage, type Frame } from '../src/image/frame.ts'
import type { Conditioning, DiffusionModel, Embedding } from '../src/stable-diffusion/diffusion-model.ts'

const scale = 4

/** Means of 4x4 cells of R, G and B, and their grey, from 0..1 to -1..1. */
function encode(image: FloatImage): Latent {
  const [height, width] = [image.height / scale, image.width / scale]
  const plane = width * height
  const latent = new Float32Array(4 * plane)
  for (let y = 0; y < image.height; y++)
    for (let x = 0; x < image.width; x++)
      for (let c = 0; c < 3; c++) {
        const cell = Math.floor(y / scale) * width + Math.floor(x / scale)
        const share = (2 * image.data[(y * image.width + x) * 3 + c]! - 1) / scale ** 2
        latent[c * plane + cell]! += share
        latent[3 * plane + cell]! += share / 3
      }
  return latent
}

function decode(latent: Latent, { height, width }: LatentShape): FloatImage {
  const plane = width * height
  const data = new Float32Array(plane * scale * scale * 3)
  for (let i = 0; i < data.length / 3; i++) {
    const [y, x] = [Math.floor(i / (width * scale)), i % (width * scale)]
    const cell = Math.floor(y / scale) * width + Math.floor(x / scale)
    for (let c = 0; c < 3; c++) data[3 * i + c] = Math.min(1, Math.max(0, latent[c * plane + cell]! / 2 + 0.5))
  }
  return { width: width * scale, height: height * scale, data }
}

/**
 * A model without weights that the whole pipeline can run on in milliseconds: its latents are small pictures, and it takes half
 * of what it sees (noise and all, as a network does) and half of a colour that the prompt stands for. Its one ControlNet paints what it sees,
 * by its weight instead of all else.
 */
export function analyticModel(options: { evaluation?: () => Promise<void> } = {}): DiffusionModel {
  const counters = { evaluations: 0, engineSeconds: 0 }
  return {
    hash: 'analytic',
    name: 'analytic',
    warnings: [],
    family: 'test',
    noise: noiseScheduleFromConfig({
      beta_start: 0.00085,
      beta_end: 0.012,
      beta_schedule: 'scaled_linear',
      steps_offset: 1,
      set_alpha_to_one: false,
    }),
    defaults: {
      strength: 0.6,
      steps: 5,
      cfgScale: 1,
      sampler: 'ddim',
      prompt: '{style}',
      negative: '',
      styles: { red: 'red', blue: 'blue' },
      area: 64 * 48,
    },
    latentChannels: 4,
    scale,
    multiple: 4,
    seesSource: false,
    controlNets: ['picture'],
    counters,
    embed: (text: string): Promise<Embedding> => {
      const hue = text.length % 7
      return Promise.resolve({ tokens: 1, width: 1, data: Float32Array.of(hue / 7 - 0.5) })
    },
    encode: (image) =>
      Promise.resolve(encode(image.data instanceof Uint8Array ? toFloatImage(image as Frame) : (image as FloatImage))),
    decode: (latent, shape) => Promise.resolve(decode(latent, shape)),
    denoiser: (conditioning: Conditioning) => async (x, sigma, signal) => {
      signal?.throwIfAborted()
      await options.evaluation?.()
      counters.evaluations++
      const colour = conditioning.positive.data[0]!
      const keep = 1 / (1 + sigma * sigma)
      const [control] = conditioning.controls ?? []
      const seen = control && encode(control.image)
      const share = control?.weight ?? 0
      return x.map((value, i) => (1 - share) * 0.5 * (value * keep + colour) + share * (seen?.[i] ?? 0))
    },
    close: () => Promise.resolve(),
  }
}

/** Settings that the analytic model animates 64x48 frames with, in three steps; only the method is open. */
export const analyticSettings: Omit<AnimateSettings, 'method'> = {
  prompt: 'red',
  negative: '',
  cfgScale: 1,
  strength: 0.6,
  steps: 5,
  sampler: 'ddim',
  width: 64,
  height: 48,
  seed: 3,
  noise: 'carried',
}
