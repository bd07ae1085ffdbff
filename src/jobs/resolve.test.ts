import { expect, test } from 'vitest'
import { samplerNames } from '../diffusion/samplers/sampler-by-name.ts'
import { sigmaSpacings } from '../diffusion/spacing.ts'
import { analyticModel } from '../../test/analytic-model.ts'
import { madeSource, texture } from '../../test/moving-picture.ts'
import { listSettings, parseSettings } from '../settings.ts'
import { resolveSettings } from './resolve.ts'

const { info } = madeSource([texture(640, 480, 0)])
const model = analyticModel()

test('what is left open comes from the model and the source', () => {
  expect(resolveSettings(parseSettings({}), model, info)).toMatchObject({
    prompt: 'red',
    strength: 0.6,
    steps: 5,
    width: 64,
    height: 48,
    method: 'flow',
    noise: 'carried',
    flow: 'dis',
  })
})

test('the reference method has its own flow, noise and strength', () => {
  const settings = parseSettings({ method: 'reference', strength: 1 })
  expect(resolveSettings(settings, model, info)).toMatchObject({ flow: 'farneback', noise: 'fresh', strength: 0.999 })
})

test('a schedule goes with the methods that guide every frame', () => {
  expect(resolveSettings(parseSettings({ schedule: 'mine.js' }), model, info).method).toBe('previous')
  expect(resolveSettings(parseSettings({ schedule: 'mine.js', method: 'reference' }), model, info).method).toBe('reference')
  expect(() => resolveSettings(parseSettings({ schedule: 'mine.js', method: 'flow' }), model, info)).toThrow(
    /accepted: previous, reference/,
  )
})

test('a style becomes words, and a prompt may keep a place for them', () => {
  expect(resolveSettings(parseSettings({ style: 'blue' }), model, info).prompt).toBe('blue')
  expect(resolveSettings(parseSettings({ style: 'blue', prompt: 'a fox, {style}' }), model, info).prompt).toBe('a fox, blue')
  expect(resolveSettings(parseSettings({ prompt: 'a fox' }), model, info).prompt).toBe('a fox')
  expect(() => resolveSettings(parseSettings({ style: 'cubism' }), model, info)).toThrow(/accepted for analytic: red, blue/)
})

test('a size that the model cannot work in is refused with the nearest one', () => {
  expect(() => resolveSettings(parseSettings({ size: '63x48' }), model, info)).toThrow(
    expect.objectContaining({ hint: 'The nearest size is 64x48.' }) as Error,
  )
})

test("a sampler may have A1111's name, which may tell the spacing too", () => {
  const resolved = (sampler: string, sigmas?: 'karras' | 'simple') =>
    resolveSettings(parseSettings({ sampler, ...(sigmas === undefined ? {} : { sigmas }) }), model, info)
  expect(resolved('DPM++ 2M Karras')).toMatchObject({ sampler: 'dpmpp_2m', sigmas: 'karras' })
  expect(resolved('DPM++ 2M Karras', 'karras')).toMatchObject({ sampler: 'dpmpp_2m', sigmas: 'karras' })
  expect(resolved('Euler a', 'simple')).toMatchObject({ sampler: 'euler_a', sigmas: 'simple' })
  expect('sigmas' in resolved('UniPC')).toBe(false)
  expect(() => resolved('DPM++ 2M Karras', 'simple')).toThrow(/contradict/)
  expect(() => resolved('DPM fast')).toThrow(/There is no sampler "DPM fast"; accepted are ddim, /)
})

test('prompts that cannot be read are refused', () => {
  expect(() => resolveSettings(parseSettings({ prompt: 'a AND b' }), model, info)).toThrow(/AND/)
  expect(() => resolveSettings(parseSettings({ negative: '[a AND b:0.5]' }), model, info)).toThrow(/AND/)
})

test('the settings offer every sampler and spacing there is', () => {
  const choices = (setting: string): unknown => listSettings().find(({ name }) => name === setting)!.choices
  expect(choices('sampler')).toEqual(samplerNames)
  expect(choices('sigmas')).toEqual(sigmaSpacings)
})
