import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import '../../test/session-host.ts'
import { writeFolder, writeSingleFile } from '../../test/layouts.ts'
import { maxDifference, readGolden } from '../../test/safetensors.ts'
import { writeTorchFile } from '../../test/torch-file.ts'
import { startEngine, type Session } from '../onnx/engine.ts'
import type { Tensor } from '../onnx/tensor.ts'
import { buildAutoencoder } from './autoencoder.ts'
import type { Checkpoint } from './checkpoint/checkpoint.ts'
import { openCheckpoint } from './checkpoint/open-checkpoint.ts'
import { openVae } from './checkpoint/open-vae.ts'
import { readConfig } from './checkpoint/config-file.ts'
import { openSafetensors } from './checkpoint/safetensors.ts'
import { weightsOf } from './checkpoint/weights.ts'
import { buildTextEncoder, type TextEncoderBuildOptions } from './text-encoder.ts'
import { buildUnet } from './unet.ts'
import { unetConfigSchema } from './unet-config.ts'
import type { UnetBuildOptions } from './unet-half.ts'

// Miniatures of every family in both layouts, against diffusers 0.42.

const goldens = fileURLToPath(new URL('../../test/goldens/', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'ofgen-families-'))
const engine = startEngine({ threads: 1 })
afterAll(async () => {
  await engine.close()
  rmSync(folder, { recursive: true })
})

const load = (graph: Uint8Array): Promise<Session> => engine.load(graph, { optimization: 'basic' })
const floats = (tensor: Tensor | undefined): Float32Array => {
  if (!(tensor?.data instanceof Float32Array)) throw new Error('There is no such float result.')
  return tensor.data
}

writeSingleFile(`${goldens}tiny-sd15`, join(folder, 'tiny-sd15.safetensors'))
writeSingleFile(`${goldens}tiny-sd15`, join(folder, 'tiny-sd15.ckpt'), writeTorchFile)
for (const name of ['tiny-sd2', 'tiny-sdxl'])
  writeFolder(`${goldens}${name}`, `${goldens}${name}.safetensors`, join(folder, name))

const layouts = [
  ['tiny-sd15', 'one file', join(folder, 'tiny-sd15.safetensors')],
  ['tiny-sd15', 'one .ckpt file', join(folder, 'tiny-sd15.ckpt')],
  ['tiny-sd2', 'one file', `${goldens}tiny-sd2.safetensors`],
  ['tiny-sd2', 'folder', join(folder, 'tiny-sd2')],
  ['tiny-sdxl', 'one file', `${goldens}tiny-sdxl.safetensors`],
  ['tiny-sdxl', 'folder', join(folder, 'tiny-sdxl')],
] as const

const tolerances = {
  'tiny-sd15': { unet: 1e-4, text: [1e-4], vae: 5e-5 },
  'tiny-sd2': { unet: 2e-4, text: [5e-5], vae: undefined },
  'tiny-sdxl': { unet: 2e-4, text: [1e-4, 5e-4], vae: 1e-4 },
} as const

describe.each(layouts)('%s as %s', (name, layout, path) => {
  const open = (): Checkpoint => openCheckpoint(path, layout !== 'folder' ? { configs: `${goldens}${name}` } : {})
  const tolerance = tolerances[name]

  test('the UNet gives the golden outputs', async () => {
    const golden = readGolden(`${goldens}${name}/golden-unet.safetensors`)
    const { config, weights } = open().unet
    const session = await load(buildUnet(config, weights))
    for (const run of ['case0', 'case3', 'case4', 'case7', 'long']) {
      const { outputs } = await session.run(unetFeeds(golden, `${run}.`, name === 'tiny-sdxl'))
      expect(maxDifference(floats(outputs['out_sample']), floats(golden(`${run}.output`))), run).toBeLessThan(tolerance.unet)
    }
    await session.release()
  })

  test('the text encoders give the golden states', async () => {
    for (const [i, { config, weights, pooled }] of open().texts.entries()) {
      const golden = readGolden(`${goldens}${name}/golden-text${i === 0 ? '' : '-2'}.safetensors`)
      const states = async (options: TextEncoderBuildOptions): Promise<Readonly<Record<string, Tensor>>> => {
        const session = await load(buildTextEncoder(config, weights, options))
        const { outputs } = await session.run({ input_ids: golden('input_ids') })
        await session.release()
        return outputs
      }
      const limit = tolerance.text[i]!
      const pooledAt = pooled ? 49407 : undefined
      const last = await states({ pooledAt })
      expect(maxDifference(floats(last['last_hidden_state']), floats(golden('last_hidden_state')))).toBeLessThan(limit)
      const before = await states({ skip: 1, normed: false, pooledAt })
      expect(maxDifference(floats(before['last_hidden_state']), floats(golden('penultimate')))).toBeLessThan(limit)
      const normed = await states({ skip: 1 })
      expect(maxDifference(floats(normed['last_hidden_state']), floats(golden('penultimate_normed')))).toBeLessThan(limit)
      if (!pooled) continue
      for (const outputs of [last, before])
        expect(maxDifference(floats(outputs['text_embeds']), floats(golden('text_embeds')))).toBeLessThan(limit)
    }
  })

  test.runIf(tolerance.vae !== undefined)('the autoencoder gives the golden means and pictures', async () => {
    const golden = readGolden(`${goldens}${name}/golden-vae.safetensors`)
    const { encoder, decoder } = buildAutoencoder(open().vae)
    const sessions = [await load(encoder), await load(decoder)] as const
    for (const run of ['case0', 'case1']) {
      const { outputs } = await sessions[0].run({ image: golden(`${run}.image`) })
      expect(maxDifference(floats(outputs['latent']), floats(golden(`${run}.mean`))), run).toBeLessThan(tolerance.vae!)
      const { outputs: decoded } = await sessions[1].run({ latent: golden(`${run}.latents`) })
      expect(maxDifference(floats(decoded['image']), floats(golden(`${run}.decoded`))), run).toBeLessThan(tolerance.vae!)
    }
  })
})

test.each([
  ['tiny-sd2', join(folder, 'tiny-sd2'), 2e-4],
  ['tiny-sdxl', join(folder, 'tiny-sdxl'), 2e-4],
] as const)('%s gives the golden activations between its blocks', async (name, path, tolerance) => {
  const golden = readGolden(`${goldens}${name}/golden-unet-inner.safetensors`)
  const { config, weights } = openCheckpoint(path).unet
  await compareInner(golden, (tap) => buildUnet(config, weights, { tap }), name === 'tiny-sdxl', tolerance)
})

describe('tiny-inpaint', () => {
  const config = readConfig(`${goldens}tiny-inpaint/unet/config.json`, unetConfigSchema)
  const weights = weightsOf([openSafetensors(`${goldens}tiny-inpaint/unet/diffusion_pytorch_model.safetensors`)])

  test('gives the golden outputs from nine channels', async () => {
    const golden = readGolden(`${goldens}tiny-inpaint/golden-unet.safetensors`)
    const session = await load(buildUnet(config, weights))
    for (const run of ['case0', 'case1', 'case2', 'case3', 'case4', 'long']) {
      const { outputs } = await session.run(unetFeeds(golden, `${run}.`, false))
      expect(maxDifference(floats(outputs['out_sample']), floats(golden(`${run}.output`))), run).toBeLessThan(2e-4)
    }
  })

  test('gives the golden activations between its blocks', async () => {
    const golden = readGolden(`${goldens}tiny-inpaint/golden-unet-inner.safetensors`)
    await compareInner(golden, (tap) => buildUnet(config, weights, { tap }), false, 2e-4)
  })
})

test.each(['taesd/taesd_encoder.safetensors', 'taesd/taesd_decoder.safetensors', 'taesd', 'taesd/diffusers'])(
  'the tiny autoencoder gives the golden latents and pictures from %s',
  async (path) => {
    const golden = readGolden(`${goldens}taesd/golden.safetensors`)
    const { encoder, decoder } = buildAutoencoder(openVae(`${goldens}${path}`, 'sd1'))
    const sessions = [await load(encoder), await load(decoder)] as const
    for (const run of ['case0', 'case1']) {
      const { outputs } = await sessions[0].run({ image: golden(`${run}.image`) })
      expect(maxDifference(floats(outputs['latent']), floats(golden(`${run}.encoded`))), run).toBeLessThan(5e-5)
      const { outputs: decoded } = await sessions[1].run({ latent: golden(`${run}.latents`) })
      expect(maxDifference(floats(decoded['image']), floats(golden(`${run}.decoded`))), run).toBeLessThan(5e-5)
    }
  },
)

function unetFeeds(golden: (name: string) => Tensor, prefix: string, added: boolean): Record<string, Tensor> {
  const names = ['sample', 'timestep', 'encoder_hidden_states', ...(added ? ['text_embeds', 'time_ids'] : [])]
  return Object.fromEntries(names.map((name) => [name, golden(prefix + name)]))
}

async function compareInner(
  golden: (name: string) => Tensor,
  build: (tap: NonNullable<UnetBuildOptions['tap']>) => Uint8Array,
  added: boolean,
  tolerance: number,
): Promise<void> {
  const labels: string[] = []
  const graph = build((label, value, graph) => {
    labels.push(label)
    graph.output(label, value, 'float32', golden(`inner.${label}`).dims)
  })
  const session = await load(graph)
  const { outputs } = await session.run(unetFeeds(golden, '', added))
  expect(labels.length).toBeGreaterThan(15)
  for (const label of labels)
    expect(maxDifference(floats(outputs[label]), floats(golden(`inner.${label}`))), label).toBeLessThan(tolerance)
  await session.release()
}
