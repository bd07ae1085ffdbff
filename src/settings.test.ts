import { expect, test } from 'vitest'
import { OfgenError } from './errors.ts'
import { flagOf, listSettings, parseSettings, parseSize } from './settings.ts'

test('defaults are filled in', () => {
  const settings = parseSettings({})
  expect(settings).toMatchObject({ model: 'embedded', fit: 'cover', format: 'mp4', seed: 1, compare: false })
  expect(settings.strength).toBeUndefined()
})

test.each([
  [{ strength: 1.5 }, /--strength cannot be 1\.5; accepted: a number from 0 to 1/],
  [{ cfgScale: 0 }, /--cfg-scale cannot be 0/],
  [{ steps: 2.5 }, /--steps cannot be 2\.5/],
  [{ method: 'magic' }, /--method cannot be "magic"; accepted: flow, previous, reference, none/],
  [{ size: '384' }, /--size cannot be "384"; accepted: two whole numbers/],
  [{ vaeTile: 100 }, /--vae-tile cannot be 100; accepted: 0, or a number from 256 to 8192/],
  [{ strenght: 0.5 }, /There is no setting "strenght"/],
])('a wrong value %j is refused by name with what is accepted', (input, message) => {
  const attempt = (): unknown => parseSettings(input as never)
  expect(attempt).toThrow(OfgenError)
  expect(attempt).toThrow(message)
})

test('every setting has a title, a description and a group, and its flag is kebab-case', () => {
  const shapes = listSettings()
  expect(shapes.length).toBeGreaterThan(20)
  for (const { name, flag, meta } of shapes) {
    expect(meta.title, name).toBeTruthy()
    expect(meta.description, name).toMatch(/\.$/)
    expect(meta.group, name).toBeTruthy()
    expect(flag).toMatch(/^--[a-z-]+$/)
  }
  expect(flagOf('cfgScale')).toBe('--cfg-scale')
})

test('kinds and choices are read off the schema', () => {
  const byName = new Map(listSettings().map((shape) => [shape.name, shape]))
  expect(byName.get('fit')).toMatchObject({ kind: 'choice', choices: ['cover', 'contain', 'fill'], default: 'cover' })
  expect(byName.get('debug')).toMatchObject({ kind: 'boolean' })
  expect(byName.get('strength')).toMatchObject({ kind: 'number', maximum: 1 })
  expect(byName.get('prompt')).toMatchObject({ kind: 'string' })
})

test('a switch that is on by itself has a flag that turns it off', () => {
  expect(listSettings().find(({ name }) => name === 'cache')).toMatchObject({
    kind: 'boolean',
    flag: '--no-cache',
    default: true,
  })
})

test('a size is two numbers', () => {
  expect(parseSize('384x256')).toEqual({ width: 384, height: 256 })
})
