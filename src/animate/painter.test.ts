import { expect, test } from 'vitest'
import { analyticModel, analyticSettings } from '../../test/analytic-model.ts'
import type { DiffusionModel } from '../stable-diffusion/diffusion-model.ts'
import { createPainter } from './painter.ts'

/** The analytic model, with a list of the texts that each evaluation was made under. */
function watched(): { model: DiffusionModel; texts: string[] } {
  const texts: string[] = []
  const analytic = analyticModel()
  const names = new Map<unknown, string>()
  const model: DiffusionModel = {
    ...analytic,
    async embed(text, signal) {
      const embedding = await analytic.embed(text, signal)
      names.set(embedding, text)
      return embedding
    },
    denoiser(conditioning) {
      const denoise = analytic.denoiser(conditioning)
      return (x, sigma, signal) => {
        texts.push(names.get(conditioning.positive)!)
        return denoise(x, sigma, signal)
      }
    },
  }
  return { model, texts }
}

test.each([
  ['ddim', ['a', 'a', 'b', 'b']],
  ['dpmpp_2m', ['a', 'a', 'b', 'b']],
  // The second evaluation of a step is made where it ends.
  ['heun', ['a', 'a', 'a', 'b', 'b', 'b', 'b']],
  // Or half way down.
  ['dpmpp_sde', ['a', 'a', 'a', 'a', 'b', 'b', 'b']],
])('a prompt changes at its step: %s', async (sampler, expected) => {
  const { model, texts } = watched()
  const settings = { ...analyticSettings, prompt: '[a:b:0.5]', strength: 0.8, sampler }
  const painter = await createPainter(model, settings)
  const noise = new Float32Array(4 * 12 * 16).fill(0.1)
  await painter.paint({ source: noise, noise, stepNoise: () => noise })
  expect(texts).toEqual(expected)
})

test("the sampler may have A1111's name with the spacing in it", async () => {
  const settings = { ...analyticSettings, strength: 0.8 }
  const painter = await createPainter(analyticModel(), { ...settings, sampler: 'DPM++ SDE Karras' })
  expect(painter.draws).toBe(2)
  const plain = await createPainter(analyticModel(), { ...settings, sampler: 'dpmpp_sde', sigmas: 'karras' })
  expect(painter.run).toEqual(plain.run)
  const other = await createPainter(analyticModel(), { ...settings, sampler: 'DPM++ SDE Karras', sigmas: 'simple' })
  expect(other.run).not.toEqual(plain.run)
})

test('a shorter run has the prompts of the last steps; a frame may have a prompt of its own', async () => {
  const { model, texts } = watched()
  const painter = await createPainter(model, { ...analyticSettings, prompt: '[a:b:0.5]', strength: 0.8 })
  const noise = new Float32Array(4 * 12 * 16).fill(0.1)
  await painter.paint({ source: noise, noise, run: painter.shortRun })
  await painter.paint({ source: noise, noise, run: painter.shortRun, prompt: { prompt: '[c|d]', negative: '' } })
  expect(texts).toEqual(['b', 'b', 'c', 'd'])
})
