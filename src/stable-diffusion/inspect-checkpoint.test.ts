import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { writeSingleFile } from '../../test/layouts.ts'
import { writeSafetensors, type TensorToWrite } from '../../test/safetensors.ts'
import { openSafetensors } from './checkpoint/safetensors.ts'
import { inspectCheckpoint } from './inspect-checkpoint.ts'

const goldens = fileURLToPath(new URL('../../test/goldens/', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'ofgen-inspect-'))
afterAll(() => rmSync(folder, { recursive: true }))

const sd15 = join(folder, 'tiny-sd15.safetensors')
writeSingleFile(`${goldens}tiny-sd15`, sd15)
const configs = { configs: `${goldens}tiny-sd15` }

/** The file with some tensors changed or, where `change` gives undefined, left out. */
function changed(name: string, change: (name: string, tensor: TensorToWrite) => TensorToWrite | undefined): string {
  const bytes = readFileSync(sd15)
  const tensors: Record<string, TensorToWrite> = {}
  for (const [key, { dtype, dims, offset, length }] of openSafetensors(sd15).tensors) {
    const tensor = change(key, { dtype: dtype as 'F16', dims, data: new Uint8Array(bytes.subarray(offset, offset + length)) })
    if (tensor !== undefined) tensors[key] = tensor
  }
  const path = join(folder, name)
  writeSafetensors(path, tensors)
  return path
}

test('a whole checkpoint: its parts, and what is left out of it', () => {
  const inspection = inspectCheckpoint(sd15, configs)
  expect(inspection).toMatchObject({
    title: 'Stable Diffusion 1',
    usable: true,
    prediction: 'epsilon (noise), by the custom of its family',
    missing: [],
    parts: [
      { title: 'UNet', tensors: 684, types: ['float16'] },
      { title: 'text encoder', tensors: 68, types: ['float16'] },
      { title: 'autoencoder (VAE)', tensors: 248 },
    ],
  })
  expect(inspection.odd.join('\n')).toContain('averaged weights of training')
  expect(inspection.odd.join('\n')).not.toContain('unknown')
})

test.each([
  ['tiny-sd2', 'Stable Diffusion 2', 'v (velocity)', ['UNet', 'text encoder', 'autoencoder (VAE)']],
  ['tiny-sdxl', 'Stable Diffusion XL', 'epsilon (noise)', ['UNet', 'text encoder 1', 'text encoder 2', 'autoencoder (VAE)']],
])('%s is %s, all of it, with nothing of unknown use', (name, title, prediction, parts) => {
  const inspection = inspectCheckpoint(`${goldens}${name}.safetensors`, { configs: `${goldens}${name}` })
  expect(inspection).toMatchObject({ title, usable: true, missing: [] })
  expect(inspection.prediction).toContain(prediction)
  expect(inspection.parts.map((part) => part.title)).toEqual(parts)
  expect(inspection.odd.join('\n')).not.toContain('unknown')
})

test('a diffusers folder', () => {
  expect(inspectCheckpoint(`${goldens}tiny-sd15`)).toMatchObject({
    title: 'Stable Diffusion 1',
    usable: true,
    prediction: 'epsilon (noise), by scheduler/scheduler_config.json',
    odd: [],
  })
})

test('every missing tensor and every wrong shape is named', () => {
  const gone = 'model.diffusion_model.out.2.bias'
  const small = 'first_stage_model.quant_conv.bias'
  const path = changed('damaged.safetensors', (name, tensor) =>
    name === gone ? undefined : name === small ? { ...tensor, dims: [4], data: (tensor.data as Uint8Array).slice(0, 8) } : tensor,
  )
  const { usable, missing } = inspectCheckpoint(path, configs)
  expect(usable).toBe(false)
  expect(missing).toEqual([`tensor "${gone}" is missing`, `tensor "${small}" is [4] where [8] is expected`])
})

test('a part that is missing as a whole is named, with what to do', () => {
  const path = changed('no-vae.safetensors', (name, tensor) => (name.startsWith('first_stage_model.') ? undefined : tensor))
  const { usable, title, missing } = inspectCheckpoint(path, configs)
  expect([usable, title]).toEqual([false, 'Stable Diffusion 1'])
  expect(missing[0]).toContain('has no autoencoder (first_stage_model.*)')
  expect(inspectCheckpoint(path, { ...configs, vae: `${goldens}taesd/taesd_encoder.safetensors` })).toMatchObject({
    usable: true,
  })
  const headless = changed('no-text.safetensors', (name, tensor) => (name.startsWith('cond_stage_model.') ? undefined : tensor))
  const { missing: lost } = inspectCheckpoint(headless)
  expect(lost.join(' ')).toMatch(/not supported|has no text encoder/)
})

test('numbers that are none are counted where they are', () => {
  const name = 'model.diffusion_model.out.2.weight'
  const path = changed('nan.safetensors', (key, tensor) => {
    if (key !== name) return tensor
    const data = (tensor.data as Uint8Array).slice()
    data.set([0, 0x7c, 0, 0x7e], 10)
    return { ...tensor, data }
  })
  expect(inspectCheckpoint(path, configs).odd.join('\n')).not.toContain('none')
  expect(inspectCheckpoint(path, { ...configs, numbers: true }).odd).toContain(
    `nan.safetensors: tensor "${name}" has 2 numbers that are infinite or none`,
  )
})

describe('files of other kinds say what they are', () => {
  test.each([
    ['lora/kohya-a.safetensors', 'a LoRA'],
    ['lora/peft-b.safetensors', 'a LoRA'],
    ['controlnet/control-b.safetensors', 'a ControlNet'],
    ['controlnet/diffusers-a/diffusion_pytorch_model.safetensors', 'a ControlNet'],
    ['lora/embedding-a1111.safetensors', 'a textual inversion embedding'],
    ['tiny-sd15/unet/diffusion_pytorch_model.safetensors', "a UNet alone in diffusers' layout"],
    ['tiny-sd15/vae/diffusion_pytorch_model.safetensors', 'an autoencoder (VAE)'],
    ['tiny-sd15/text_encoder/model.safetensors', 'a text encoder alone'],
    ['taesd/taesd_encoder.safetensors', 'one half of a tiny autoencoder (TAESD)'],
    ['guided/golden.safetensors', 'no model that is known'],
  ])('%s is %s', (path, title) => {
    const inspection = inspectCheckpoint(goldens + path)
    expect(inspection).toMatchObject({ title, usable: false })
    expect(inspection.missing[0]).toContain(`is ${title}, which cannot be used as a model.`)
  })
})
