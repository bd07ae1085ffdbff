import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import type { RenderEvent } from '../src/animate/events.ts'
import { readPng, writePng } from '../src/image/png.ts'
import { render } from '../src/jobs/render.ts'
import { parseSettings, type SettingsInput } from '../src/settings.ts'
import './workers.ts'
import './session-host.ts'
import { texture } from './moving-picture.ts'
import { maxDifference } from './safetensors.ts'

// Whole renders with a miniature of Stable Diffusion 1.5 and what goes with it: LoRAs, embeddings, ControlNets.

const goldens = fileURLToPath(new URL('goldens/', import.meta.url))
const scratch = mkdtempSync(join(tmpdir(), 'ofgen-extras-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

const [frames, maps] = [join(scratch, 'frames'), join(scratch, 'maps')]
for (const folder of [frames, maps]) mkdirSync(folder)
for (const [folder, scene] of [
  [frames, 0],
  [maps, 1],
] as const)
  for (const n of [0, 1]) await writePng(join(folder, `${n}.png`), texture(64, 64, 2 * n, scene))
const model = join(scratch, 'models', 'tiny')
cpSync(`${goldens}tiny-sd15`, model, { recursive: true })
cpSync(`${goldens}lora/kohya-a.safetensors`, join(scratch, 'models', 'loras', 'style.safetensors'))

let count = 0
async function run(more: SettingsInput): Promise<{ pixels: Uint8Array; events: RenderEvent[]; hash: string }> {
  const output = join(scratch, `out-${count++}`)
  const settings = parseSettings({
    model,
    prompt: 'a fox',
    steps: 4,
    strength: 0.5,
    method: 'none',
    format: 'none',
    device: 'cpu',
    ...more,
  })
  const events: RenderEvent[] = []
  for await (const event of render({ input: frames, output, settings, version: 'test' })) events.push(event)
  const { data } = await readPng(join(output, 'converted_000001.png'))
  const { model: opened } = JSON.parse(readFileSync(join(output, 'ofgen.json'), 'utf8')) as { model: { hash: string } }
  return { pixels: data, events, hash: opened.hash }
}
const distance = (a: Uint8Array, b: Uint8Array): number => maxDifference(a, b)

test('LoRAs, embeddings and ControlNets each change a render, however they are named', async () => {
  const plain = await run({})
  const option = await run({ lora: [`${goldens}lora/kohya-a.safetensors:0.8`] })
  const tag = await run({ prompt: 'a fox<lora:style:0.8>' })
  expect(distance(option.pixels, plain.pixels)).toBeGreaterThan(2)
  expect(tag.pixels).toEqual(option.pixels)
  expect(option.hash).not.toBe(plain.hash)

  const net = `${goldens}controlnet/diffusers-a`
  const controlled = await run({ control: [`canny:${net},weight=2`] })
  expect(distance(controlled.pixels, plain.pixels)).toBeGreaterThan(2)
  const both = await run({ control: [`canny:${net},weight=2`, `depth:${goldens}controlnet/control-b.safetensors,maps=${maps}`] })
  expect(distance(both.pixels, controlled.pixels)).toBeGreaterThan(2)

  const embedding = await run({ prompt: 'a fox, embedding-a1111', embedding: [`${goldens}lora/embedding-a1111.safetensors`] })
  expect(embedding.pixels).not.toEqual((await run({ prompt: 'a fox, embedding-a1111' })).pixels)
})

test('what is wrong with them is said before the folder is touched', async () => {
  await expect(run({ lora: ['nowhere'] })).rejects.toMatchObject({
    code: 'model_missing',
    message: expect.stringContaining('There is no LoRA "nowhere"') as unknown,
  })
  await expect(run({ lora: [`${goldens}lora/kohya-sdxl.safetensors`] })).rejects.toThrow(
    /The LoRA .*kohya-sdxl\.safetensors does not fit/,
  )
  await expect(run({ control: [`lineart:${goldens}lora/kohya-a.safetensors`] })).rejects.toThrow(
    /kohya-a\.safetensors is no ControlNet/,
  )
  await expect(run({ control: [`lineart:${goldens}tiny-sdxl.safetensors`] })).rejects.toThrow(/is no ControlNet/)
  await expect(run({ control: ['depth:net'] })).rejects.toThrow('maps=PATH is needed')
  await expect(run({ embedding: [`${goldens}lora/kohya-a.safetensors`] })).rejects.toThrow('is no textual inversion embedding')
})
