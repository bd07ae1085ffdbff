import { expect, test } from 'vitest'
import { samplerNames } from '../diffusion/samplers/sampler-by-name.ts'
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

test('the settings offer every sampler there is', () => {
  expect(listSettings().find(({ name }) => name === 'sampler')!.choices).toEqual(samplerNames)
})
