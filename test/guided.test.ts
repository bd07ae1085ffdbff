import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from 'vitest'
import { samplerByName } from '../src/diffusion/samplers/sampler-by-name.ts'
import { addNoise } from '../src/diffusion/prediction.ts'
import { noiseSteps } from '../src/diffusion/spacing.ts'
import type { Latent } from '../src/diffusion/denoiser.ts'
import type { Flow } from '../src/flow/flow.ts'
import { flowLength } from '../src/flow/motion.ts'
import { referenceSchedule, scheduleMotion } from '../src/guidance/guidance-schedule.ts'
import { guideTowards } from '../src/guidance/guide.ts'
import { predictFromPrevious } from '../src/guidance/prediction.ts'
import { progressOf, scheduledWeight } from '../src/guidance/scheduled-weight.ts'
import { toFloatImage, type FloatImage } from '../src/image/frame.ts'
import { readPng } from '../src/image/png.ts'
import { openModel } from '../src/stable-diffusion/open-model.ts'
import { maxDifference, readGolden } from './safetensors.ts'
import './session-host.ts'
import { recorded } from './trajectory.ts'

// Three frames under flow guidance as the 2023 script has it, against the same in PyTorch; guided.json tells the algorithm.

const folder = fileURLToPath(new URL('goldens/guided/', import.meta.url))
const golden = readGolden(`${folder}golden.safetensors`)
const floats = (name: string): Float32Array => golden(name).data as Float32Array

const model = await openModel(fileURLToPath(new URL('goldens/tiny-sd15', import.meta.url)), { threads: 1 })
afterAll(() => model.close())

interface Settings {
  readonly prompt: string
  readonly negative_prompt: string
  readonly guidance_scale: number
  readonly total_steps: number
  readonly strength: number
  readonly timesteps: readonly number[]
}

it('guides three frames as the reference does', async () => {
  const settings = JSON.parse(await readFile(`${folder}guided.json`, 'utf8')) as Settings
  const { guidance_scale: cfgScale, total_steps: steps, strength } = settings
  const shape = { channels: 4, height: 8, width: 12 }
  const { sample, layout } = samplerByName('ddim')
  const run = noiseSteps(model.noise, { layout, steps, strength })
  expect(run.timesteps).toEqual(settings.timesteps)
  const [negative, positive] = [await model.embed(settings.negative_prompt), await model.embed(settings.prompt)]
  expect(maxDifference([...negative.data, ...positive.data], floats('context'))).toBeLessThan(1e-4)
  const flows = [0, 1].map((n): Flow => {
    const size = 64 * 96 * 2
    return { width: 96, height: 64, data: floats('flows').slice(n * size, (n + 1) * size) }
  })

  let previous: FloatImage | undefined
  for (const n of [0, 1, 2]) {
    const tolerance = n === 0 ? 1e-3 : 5e-4
    const close = (actual: ArrayLike<number>, name: string): void =>
      expect(maxDifference(actual, floats(`frame${n}.${name}`)), `frame${n}.${name}`).toBeLessThan(tolerance)
    const source = await model.encode(toFloatImage(await readPng(`${folder}frame${n}.png`)))
    close(source, 'init_latents')

    let denoise = model.denoiser({ positive, negative, cfgScale, shape })
    if (previous !== undefined) {
      const back = flows[n - 1]!
      const warped = predictFromPrevious(previous, back, { sharpen: false })
      close(warped.data, 'warped')
      const k0 = await model.encode(warped)
      close(k0, 'k0')
      const distance = flowLength(back)
      close(distance.data, 'distance')
      const weight = scheduledWeight(referenceSchedule, scheduleMotion({ distance }, strength), run, shape)
      close(
        run.sigmas.slice(0, -1).flatMap((sigma) => [...(weight(sigma) as Float32Array)]),
        'weights',
      )
      denoise = guideTowards(k0, weight, denoise)
    }

    const noise = floats('noises').slice(n * source.length, (n + 1) * source.length)
    const { denoise: watched, states } = recorded(denoise, 'preserving')
    const result: Latent = await sample(watched, addNoise(source, noise, run.sigmas[0]!), run.sigmas)
    close(
      [...states, result].flatMap((state) => [...state]),
      'latents',
    )
    previous = await model.decode(result, shape)
    close(previous.data, 'output')
  }
  expect(run.sigmas.slice(0, -1).map(progressOf(run)).at(0)).toBeCloseTo(0.65, 12)
})
