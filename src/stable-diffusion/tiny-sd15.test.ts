import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import '../../test/session-host.ts'
import { maxDifference, readGolden } from '../../test/safetensors.ts'
import { startEngine, type Session } from '../onnx/engine.ts'
import type { Tensor } from '../onnx/tensor.ts'
import { readConfig } from './checkpoint/config-file.ts'
import { openDiffusersFolder } from './checkpoint/diffusers-folder.ts'
import { weightsOf } from './checkpoint/weights.ts'
import { buildTaesdDecoder, buildTaesdEncoder, taesdConfigSchema } from './taesd.ts'
import { buildTextEncoder } from './text-encoder.ts'
import { buildUnet } from './unet.ts'
import type { UnetBuildOptions } from './unet-half.ts'
import { buildKlDecoder, buildKlEncoder } from './vae.ts'
import { openSafetensors } from './checkpoint/safetensors.ts'

// A miniature of the Stable Diffusion 1.5 layout with random weights, and a miniature TAESD, against diffusers 0.42.

const goldens = fileURLToPath(new URL('../../test/goldens/', import.meta.url))
const folder = openDiffusersFolder(`${goldens}tiny-sd15`)
const engine = startEngine({ threads: 1 })
afterAll(() => engine.close())

const load = (graph: Uint8Array): Promise<Session> => engine.load(graph, { optimization: 'extended' })
const floats = (tensor: Tensor | undefined): Float32Array => {
  if (!(tensor?.data instanceof Float32Array)) throw new Error('There is no such float result.')
  return tensor.data
}

describe('UNet', () => {
  const { config, weights } = folder.unet
  const tolerance = 1e-4

  test.each(['fused', 'plain'] as const)(
    'gives the golden outputs with %s attention at every size from one graph',
    async (attention) => {
      const golden = readGolden(`${goldens}tiny-sd15/golden-unet.safetensors`)
      const session = await load(buildUnet(config, weights, { attention }))
      for (const name of [...Array.from({ length: 10 }, (_, i) => `case${i}`), 'long']) {
        const { outputs } = await session.run({
          sample: golden(`${name}.sample`),
          timestep: golden(`${name}.timestep`),
          encoder_hidden_states: golden(`${name}.encoder_hidden_states`),
        })
        const expected = golden(`${name}.output`)
        expect(outputs['out_sample']!.dims).toEqual(expected.dims)
        expect(maxDifference(floats(outputs['out_sample']), floats(expected)), name).toBeLessThan(tolerance)
      }
      await session.release()
    },
  )

  test('gives the golden activations between its blocks', async () => {
    const golden = readGolden(`${goldens}tiny-sd15/golden-unet-inner.safetensors`)
    const labels: string[] = []
    const tap: UnetBuildOptions['tap'] = (label, value, graph) => {
      labels.push(label)
      graph.output(label, value, 'float32', golden(`inner.${label}`).dims)
    }
    const session = await load(buildUnet(config, weights, { tap }))
    const { outputs } = await session.run({
      sample: golden('sample'),
      timestep: golden('timestep'),
      encoder_hidden_states: golden('encoder_hidden_states'),
    })
    expect(labels).toHaveLength(23)
    for (const label of labels) {
      expect(outputs[label]!.dims).toEqual(golden(`inner.${label}`).dims)
      expect(maxDifference(floats(outputs[label]), floats(golden(`inner.${label}`))), label).toBeLessThan(tolerance)
    }
    await session.release()
  })
})

test('the text encoder gives the golden states', async () => {
  const golden = readGolden(`${goldens}tiny-sd15/golden-text.safetensors`)
  const { config, weights } = folder.texts[0]!
  const session = await load(buildTextEncoder(config, weights))
  const { outputs } = await session.run({ input_ids: golden('input_ids') })
  expect(maxDifference(floats(outputs['last_hidden_state']), floats(golden('last_hidden_state')))).toBeLessThan(1e-4)
})

test('the autoencoder gives the golden means and pictures', async () => {
  const golden = readGolden(`${goldens}tiny-sd15/golden-vae.safetensors`)
  if (folder.vae.kind !== 'kl') throw new Error('The miniature has an AutoencoderKL.')
  const { config, weights } = folder.vae
  const encoder = await load(buildKlEncoder(config, weights))
  const decoder = await load(buildKlDecoder(config, weights))
  for (const name of ['case0', 'case1']) {
    const { outputs } = await encoder.run({ image: golden(`${name}.image`) })
    expect(outputs['latent']!.dims).toEqual(golden(`${name}.mean`).dims)
    expect(maxDifference(floats(outputs['latent']), floats(golden(`${name}.mean`))), name).toBeLessThan(5e-5)
    const { outputs: decoded } = await decoder.run({ latent: golden(`${name}.latents`) })
    expect(decoded['image']!.dims).toEqual(golden(`${name}.decoded`).dims)
    expect(maxDifference(floats(decoded['image']), floats(golden(`${name}.decoded`))), name).toBeLessThan(5e-5)
  }
})

test('the tiny autoencoder gives the golden latents and pictures', async () => {
  const golden = readGolden(`${goldens}taesd/golden.safetensors`)
  const config = readConfig(`${goldens}taesd/diffusers/config.json`, taesdConfigSchema)
  const weights = weightsOf([openSafetensors(`${goldens}taesd/diffusers/diffusion_pytorch_model.safetensors`)])
  const encoder = await load(buildTaesdEncoder(config, weights))
  const decoder = await load(buildTaesdDecoder(config, weights))
  for (const name of ['case0', 'case1']) {
    const { outputs } = await encoder.run({ image: golden(`${name}.image`) })
    expect(maxDifference(floats(outputs['latent']), floats(golden(`${name}.encoded`))), name).toBeLessThan(5e-5)
    const { outputs: decoded } = await decoder.run({ latent: golden(`${name}.latents`) })
    expect(maxDifference(floats(decoded['image']), floats(golden(`${name}.decoded`))), name).toBeLessThan(5e-5)
  }
})
