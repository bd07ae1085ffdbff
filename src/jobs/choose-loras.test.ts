import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { parseSettings } from '../settings.ts'
import type { LoraTag } from '../prompt/lora-tags.ts'
import type { LoraChoice } from '../stable-diffusion/lora/lora-set.ts'
import { locateLoras, parseLoraOption, takeLoras } from './choose-loras.ts'

const root = mkdtempSync(join(tmpdir(), 'ofgen-loras-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const put = (...path: string[]): string => {
  const file = join(root, ...path)
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(file, '')
  return file
}

async function findLoras(tags: readonly LoraTag[], model: string, first?: string): Promise<LoraChoice[]> {
  const search = locateLoras(tags, { model, first })
  for (;;) {
    const next = await search.next()
    if (next.done === true) return next.value
  }
}

test.each([
  ['style.safetensors', 'style.safetensors', 1],
  ['style:0.8', 'style', 0.8],
  ['a/b.safetensors:-.5', 'a/b.safetensors', -0.5],
  [String.raw`C:\loras\x.safetensors`, String.raw`C:\loras\x.safetensors`, 1],
  [String.raw`C:\loras\x.safetensors:2`, String.raw`C:\loras\x.safetensors`, 2],
])('--lora %s names %s at %d', (text, name, weight) => {
  expect(parseLoraOption(text)).toEqual({ name, weight })
})

test('a weight that is no number is refused', () => {
  expect(() => parseLoraOption('style.safetensors:strong')).toThrow('--lora cannot be "style.safetensors:strong"')
})

test('LoRAs of the option come before those of the prompts, which lose them', () => {
  const settings = parseSettings({ lora: ['first:0.5'], prompt: 'a fox <lora:second:0.8> in snow', negative: 'blurry' })
  const taken = takeLoras(settings)
  expect(taken.loras).toEqual([
    { name: 'first', weight: 0.5 },
    { name: 'second', weight: 0.8 },
  ])
  expect(taken.settings.prompt).toBe('a fox  in snow')
  expect(taken.settings.negative).toBe('blurry')
})

test('names are looked for in the folder that is given, then beside the model, with subfolders and in any case', async () => {
  const model = put('checkpoints', 'model.safetensors')
  const beside = put('checkpoints', 'near.safetensors')
  const below = put('loras', 'people', 'Far.safetensors')
  const own = put('mine', 'near.safetensors')
  const find = async (name: string, folder?: string): Promise<string> =>
    (await findLoras([{ name, weight: 1 }], model, folder))[0]!.path
  expect(await find('near')).toBe(beside)
  expect(await find('near', join(root, 'mine'))).toBe(own)
  expect(await find('far')).toBe(below)
  expect(await find(below)).toBe(below)
  await expect(find('nowhere')).rejects.toThrow(/There is no LoRA "nowhere" in .*loras/)
})

test('one that is named twice gets both weights', async () => {
  const model = put('checkpoints', 'model.safetensors')
  put('loras', 'style.safetensors')
  const found = await findLoras(
    [
      { name: 'style', weight: 0.5 },
      { name: 'style.safetensors', weight: 0.25 },
    ],
    model,
  )
  expect(found).toEqual([{ path: join(root, 'loras', 'style.safetensors'), weight: 0.75 }])
})
