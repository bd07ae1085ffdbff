import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import '../../test/session-host.ts'
import { writeFolder } from '../../test/layouts.ts'
import { maxDifference, readGolden, writeSafetensors, type TensorToWrite } from '../../test/safetensors.ts'
import { writeTorchFile } from '../../test/torch-file.ts'
import { startEngine } from '../onnx/engine.ts'
import { floatTensor } from '../onnx/tensor.ts'
import { readConfig } from './checkpoint/config-file.ts'
import { ldmUnetName } from './checkpoint/ldm-unet.ts'
import { openSafetensors } from './checkpoint/safetensors.ts'
import { readTensor } from './checkpoint/tensor-file.ts'
import { residualNames } from './controlnet.ts'
import { openControlNet } from './open-controlnet.ts'
import { unetConfigSchema } from './unet-config.ts'

const goldens = fileURLToPath(new URL('../../test/goldens/', import.meta.url))
const scratch = mkdtempSync(join(tmpdir(), 'ofgen-controlnet-'))
const engine = startEngine({ threads: 1 })
afterAll(async () => {
  await engine.close()
  rmSync(scratch, { recursive: true })
})
const latent = { latentChannels: 4, scale: 8 }
const sd15 = readConfig(`${goldens}tiny-sd15/unet/config.json`, unetConfigSchema)
const sdxl = readConfig(`${goldens}tiny-sdxl/unet/config.json`, unetConfigSchema)

/** A ControlNet that gives the UNet's own values: a copy of its way down, blind for the hint, with ones for its last layers. */
function mirror(): Record<string, TensorToWrite> {
  const folder = join(scratch, 'tiny-sdxl')
  writeFolder(`${goldens}tiny-sdxl`, `${goldens}tiny-sdxl.safetensors`, folder)
  const file = openSafetensors(join(folder, 'unet/diffusion_pytorch_model.safetensors'))
  const tensors: Record<string, TensorToWrite> = {}
  for (const [name, { dims }] of file.tensors)
    if (/^(conv_in|time_embedding|add_embedding|down_blocks|mid_block)\./.test(name))
      tensors[name] = { dtype: 'F32', dims, data: readTensor(file, name) }
  const conv = (name: string, out: number, from: number, kernel: number, weights?: Float32Array): void => {
    tensors[`${name}.weight`] = {
      dtype: 'F32',
      dims: [out, from, kernel, kernel],
      data: weights ?? new Float32Array(out * from * kernel * kernel),
    }
    tensors[`${name}.bias`] = { dtype: 'F32', dims: [out], data: new Float32Array(out) }
  }
  conv('controlnet_cond_embedding.conv_in', 4, 3, 3)
  for (const i of [0, 1, 2, 3, 4, 5]) conv(`controlnet_cond_embedding.blocks.${i}`, 4, 4, 3)
  conv('controlnet_cond_embedding.conv_out', sdxl.block_out_channels[0]!, 4, 3)
  const widths = sdxl.block_out_channels.flatMap((width, level) => {
    const own = Array.from({ length: 2 }, () => width)
    return level < sdxl.block_out_channels.length - 1 ? [...own, width] : own
  })
  const one = (width: number): Float32Array =>
    Float32Array.from({ length: width * width }, (_, i) => (i % (width + 1) === 0 ? 1 : 0))
  for (const [i, width] of [sdxl.block_out_channels[0]!, ...widths].entries())
    conv(`controlnet_down_blocks.${i}`, width, width, 1, one(width))
  conv('controlnet_mid_block', widths.at(-1)!, widths.at(-1)!, 1, one(widths.at(-1)!))
  return tensors
}

/** The same in the original layout. */
function ldm(tensors: Readonly<Record<string, TensorToWrite>>): Record<string, TensorToWrite> {
  const hint = ['conv_in', ...[0, 1, 2, 3, 4, 5].map((i) => `blocks.${i}`), 'conv_out']
  const rename = (name: string): string => {
    const [, kind, rest = ''] = /^controlnet_(cond_embedding|down_blocks|mid_block)\.(.*)$/.exec(name) ?? []
    if (kind === 'down_blocks') return `zero_convs.${rest.split('.')[0]}.0.${rest.split('.')[1]}`
    if (kind === 'mid_block') return `middle_block_out.0.${rest}`
    if (kind !== undefined)
      return `input_hint_block.${2 * hint.findIndex((one) => rest.startsWith(one))}.${rest.split('.').at(-1)}`
    return ldmUnetName(name, sdxl)!
  }
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [`control_model.${rename(name)}`, tensor]))
}

const own = mirror()
writeSafetensors(join(scratch, 'sdxl.safetensors'), own)
mkdirSync(join(scratch, 'folder'))
writeSafetensors(join(scratch, 'folder/diffusion_pytorch_model.fp16.safetensors'), own)
writeTorchFile(join(scratch, 'sdxl.pth'), ldm(own))

test.each(['sdxl.safetensors', 'folder', 'sdxl.pth'])(
  "SDXL's layers in %s give the golden values between the UNet's blocks",
  async (name) => {
    const golden = readGolden(`${goldens}tiny-sdxl/golden-unet-inner.safetensors`)
    const session = await engine.load(openControlNet(join(scratch, name)).build(sdxl, latent), { optimization: 'basic' })
    const feeds = ['sample', 'timestep', 'encoder_hidden_states', 'text_embeds', 'time_ids'].map(
      (one) => [one, golden(one)] as const,
    )
    const [, , height, width] = golden('sample').dims
    const hint = floatTensor(new Float32Array(3 * 64 * height! * width!).fill(0.3), [1, 3, 8 * height!, 8 * width!])
    const { outputs } = await session.run({ ...Object.fromEntries(feeds), hint, scale: floatTensor(Float32Array.of(1), [1]) })
    const inner = [
      'conv_in',
      'down0.res0',
      'down0.res1',
      'down0.res2',
      'down1.res0',
      'down1.res1',
      'down1.res2',
      'down2.res0',
      'down2.res1',
      'mid',
    ]
    expect(residualNames(sdxl)).toEqual(Object.keys(outputs))
    for (const [i, residual] of residualNames(sdxl).entries()) {
      expect(outputs[residual]!.dims).toEqual(golden(`inner.${inner[i]!}`).dims)
      expect(
        maxDifference(outputs[residual]!.data as Float32Array, golden(`inner.${inner[i]!}`).data as Float32Array),
        inner[i],
      ).toBeLessThan(2e-4)
    }
    await session.release()
  },
)

test('a ControlNet of another family is refused, naming both', () => {
  const net = openControlNet(join(scratch, 'sdxl.safetensors'))
  expect(() => net.build(sd15, latent)).toThrow(
    /The ControlNet .*sdxl\.safetensors does not fit this model: it is made for prompts of width 20, the model's are 24/,
  )
  const b = openControlNet(`${goldens}controlnet/control-b.safetensors`)
  expect(() => b.build(sdxl, latent)).toThrow('does not fit this model')
  expect(() => b.build(sd15, { latentChannels: 4, scale: 4 })).toThrow(
    'it takes 8 pixels of its map to a latent cell, the model has 4',
  )
})

test('what is none, incomplete or damaged is refused, saying what it is', () => {
  const one: TensorToWrite = { dtype: 'F32', dims: [1], data: new Float32Array(1) }
  const put = (name: string, tensors: Record<string, TensorToWrite>): string => {
    writeSafetensors(join(scratch, name), tensors)
    return join(scratch, name)
  }
  expect(() => openControlNet(join(scratch, 'none'))).toThrow('There is no ControlNet at')
  expect(() => openControlNet(scratch)).toThrow('diffusion_pytorch_model.safetensors is expected')
  expect(() => openControlNet(`${goldens}lora/kohya-a.safetensors`)).toThrow('is no ControlNet')
  expect(() => openControlNet(put('control-lora.safetensors', { lora_controlnet: one }))).toThrow('is a Control-LoRA')
  expect(() => openControlNet(put('adapter.safetensors', { 'adapter.body.0.in_conv.weight': one }))).toThrow('is a T2I adapter')
  expect(() =>
    openControlNet(put('four.safetensors', { 'controlnet_cond_embedding.conv_in.weight': { ...one, dims: [1, 1, 1, 1] } })),
  ).toThrow('takes hints of 1 channels')
  const b = openSafetensors(`${goldens}controlnet/control-b.safetensors`)
  const cut = join(scratch, 'cut.safetensors')
  writeFileSync(cut, readFileSync(b.path).subarray(0, 100_000))
  expect(() => openControlNet(cut)).toThrow('is truncated')
  const { 'controlnet_mid_block.weight': _, ...rest } = own
  expect(() => openControlNet(put('part.safetensors', rest)).build(sdxl, latent)).toThrow(
    'has no tensor "controlnet_mid_block.weight"',
  )
})
