import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from 'vitest'
import { addNoise } from '../src/diffusion/prediction.ts'
import { samplerByName } from '../src/diffusion/samplers/sampler-by-name.ts'
import { noiseSteps } from '../src/diffusion/spacing.ts'
import { toFloatImage } from '../src/image/frame.ts'
import { loadTokenizer } from '../src/prompt/tokenizer.ts'
import { openModel } from '../src/stable-diffusion/open-model.ts'
import { maxDifference, readGolden } from './safetensors.ts'
import './session-host.ts'
import { recorded } from './trajectory.ts'

// A whole run of the embedded model, which sees its source (InstructPix2Pix) and predicts v, against diffusers.

const folder = fileURLToPath(new URL('goldens/mini-sd/', import.meta.url))
const golden = readGolden(`${folder}golden.safetensors`)
const floats = (name: string): Float32Array => golden(name).data as Float32Array
const path = fileURLToPath(new URL('../assets/mini-sd', import.meta.url))
const model = await openModel(path, { threads: 1 })
afterAll(() => model.close())

interface Golden {
  readonly prompts: readonly [string, string]
  readonly run: {
    readonly steps: number
    readonly strength: number
    readonly cfg: number
    readonly prompt: 0 | 1
    readonly negative: 0 | 1
  }
  readonly tolerance: number
}

it('repaints a frame as the reference does', async () => {
  const { prompts, run: settings, tolerance } = JSON.parse(await readFile(`${folder}golden.json`, 'utf8')) as Golden
  const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, what: string): void =>
    expect(maxDifference(actual, expected), what).toBeLessThan(tolerance)
  const tokenizer = await loadTokenizer(`${path}/tokenizer`)
  expect(prompts.flatMap((prompt) => [...tokenizer.encode(prompt)])).toEqual(Array.from(golden('ids').data, Number))
  const [positive, negative] = [await model.embed(prompts[settings.prompt]), await model.embed(prompts[settings.negative])]

  const { data, dims } = golden('image_u8')
  const [height, width] = dims as [number, number]
  const source = await model.encode(toFloatImage({ width, height, data: Uint8Array.from(data, Number) }))
  // `encode` lacks the scaling factor.
  const { scaling_factor: scale } = JSON.parse(await readFile(`${path}/vae/config.json`, 'utf8')) as { scaling_factor: number }
  close(
    source.map((value) => value / scale),
    floats('encode'),
    'encode',
  )

  const shape = { channels: 4, height: height / model.scale, width: width / model.scale }
  const { sample, layout } = samplerByName('ddim')
  const run = noiseSteps(model.noise, { layout, steps: settings.steps, strength: settings.strength })
  expect(run.timesteps).toEqual(Array.from(golden('run.timesteps').data, Number))
  const { denoise, states } = recorded(
    model.denoiser({ positive, negative, cfgScale: settings.cfg, shape, source }),
    'preserving',
  )
  const result = await sample(denoise, addNoise(source, floats('run.noise'), run.sigmas[0]!), run.sigmas)
  close(
    [...states, result].flatMap((state) => [...state]),
    floats('run.latents'),
    'latents',
  )

  const picture = await model.decode(result, shape)
  const planes = Float32Array.from({ length: picture.data.length }, (_, i) => {
    const area = width * height
    return picture.data[3 * (i % area) + Math.floor(i / area)]!
  })
  close(planes, floats('run.image'), 'image')
})
