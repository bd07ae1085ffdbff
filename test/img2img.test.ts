import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from 'vitest'
import { noiseScheduleFromConfig } from '../src/diffusion/noise-schedule.ts'
import { addNoise } from '../src/diffusion/prediction.ts'
import { samplerByName } from '../src/diffusion/samplers/sampler-by-name.ts'
import { noiseSteps } from '../src/diffusion/spacing.ts'
import { toFloatImage, toFrame } from '../src/image/frame.ts'
import { readPng } from '../src/image/png.ts'
import { openModel } from '../src/stable-diffusion/open-model.ts'
import { maxDifference, readGolden } from './safetensors.ts'
import './session-host.ts'
import { recorded } from './trajectory.ts'

// Whole img2img runs against diffusers' StableDiffusionImg2ImgPipeline.

const folder = fileURLToPath(new URL('goldens/img2img/', import.meta.url))
const golden = readGolden(`${folder}golden.safetensors`)
const floats = (name: string): Float32Array => golden(name).data as Float32Array
const tolerance = 1e-3

interface Golden {
  readonly prompt: string
  readonly negative_prompt: string
  readonly guidance_scale: number
  readonly scaling_factor: number
  readonly runs: readonly {
    readonly key: string
    readonly steps: number
    readonly strength: number
    readonly timesteps: readonly number[]
    readonly config: object
  }[]
}

const settings = JSON.parse(await readFile(`${folder}img2img.json`, 'utf8')) as Golden
const model = await openModel(fileURLToPath(new URL('goldens/tiny-sd15', import.meta.url)), { threads: 1 })
afterAll(() => model.close())

it.each(settings.runs)('repaints a picture as the reference does: $key', async ({ key, steps, strength, timesteps, config }) => {
  const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, what: string): void =>
    expect(maxDifference(actual, expected), what).toBeLessThan(tolerance)
  const shape = { channels: 4, height: 8, width: 12 }
  const { sample, layout } = samplerByName(key)
  const run = noiseSteps(noiseScheduleFromConfig(config), { layout, steps, strength })
  expect(run.timesteps).toEqual(timesteps)

  const scale = settings.scaling_factor
  const mean = await model.encode(toFloatImage(await readPng(`${folder}input.png`)))
  close(
    mean,
    floats('mean').map((value) => value * scale),
    'mean',
  )
  // The pipeline draws from the autoencoder's posterior, we take its mean: the difference is added here.
  const [logvar, drawn] = [floats('logvar'), floats(`${key}.posterior_noise`)]
  const source = mean.map((value, i) => value + scale * Math.exp(logvar[i]! / 2) * drawn[i]!)
  close(source, floats(`${key}.init_latents`), 'init_latents')

  const [negative, positive] = [await model.embed(settings.negative_prompt), await model.embed(settings.prompt)]
  const before = model.counters.evaluations
  const denoiser = model.denoiser({ positive, negative, cfgScale: settings.guidance_scale, shape })
  const { denoise, states } = recorded(denoiser, key === 'ddim' ? 'preserving' : 'exploding')
  const result = await sample(denoise, addNoise(source, floats(`${key}.noise`), run.sigmas[0]!), run.sigmas)
  close(
    [...states, result].flatMap((state) => [...state]),
    floats(`${key}.latents`),
    'latents',
  )
  expect(model.counters.evaluations - before).toBe(2 * timesteps.length)

  const picture = await model.decode(result, shape)
  close(picture.data, floats(`${key}.picture`), 'picture')
  expect(maxDifference(toFrame(picture).data, (await readPng(`${folder}${key}.png`)).data)).toBeLessThanOrEqual(1)
})
