import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import '../../../test/session-host.ts'
import { maxDifference, readGolden } from '../../../test/safetensors.ts'
import { startEngine, type Session } from '../../onnx/engine.ts'
import type { Tensor } from '../../onnx/tensor.ts'
import { readConfig } from '../checkpoint/config-file.ts'
import { openSafetensors } from '../checkpoint/safetensors.ts'
import { weightsOf } from '../checkpoint/weights.ts'
import { openCheckpoint } from '../checkpoint/open-checkpoint.ts'
import { buildTextEncoder, textEncoderConfigSchema } from '../text-encoder.ts'
import { unetConfigSchema } from '../unet-config.ts'
import { buildUnet } from '../unet.ts'
import { openLoras, type LoraChoice } from './lora-set.ts'

// LoRA files as they are found, against diffusers 0.42 with the weights merged.

const goldens = fileURLToPath(new URL('../../../test/goldens/', import.meta.url))
const folder = `${goldens}tiny-sd15`
const unetWeights = weightsOf([openSafetensors(`${folder}/unet/diffusion_pytorch_model.safetensors`)])
const engine = startEngine({ threads: 1 })
afterAll(() => engine.close())
const load = (graph: Uint8Array): Promise<Session> => engine.load(graph, { optimization: 'basic' })

const file = (name: string): string => `${goldens}lora/${name}.safetensors`
const a: LoraChoice = { path: file('kohya-a'), weight: 0.8 }
const b: LoraChoice = { path: file('peft-b'), weight: 0.5 }
const c: LoraChoice = { path: file('old-diffusers-c'), weight: 1 }

describe('against the goldens', () => {
  const golden = readGolden(file('golden'))
  const text = weightsOf([openSafetensors(`${folder}/text_encoder/model.safetensors`)])
  const unetConfig = readConfig(`${folder}/unet/config.json`, unetConfigSchema)
  const textConfig = readConfig(`${folder}/text_encoder/config.json`, textEncoderConfigSchema)

  async function results(loras: readonly LoraChoice[]): Promise<{ unet: Float32Array; text: Float32Array; report: string[] }> {
    const set = openLoras(loras)
    const model = await load(buildUnet(unetConfig, set.on('unet', unetWeights, unetConfig)))
    const encoder = await load(buildTextEncoder(textConfig, set.on('text', text)))
    const report = set.report()
    const { outputs } = await model.run({
      sample: golden('sample'),
      timestep: golden('timestep'),
      encoder_hidden_states: golden('encoder_hidden_states'),
    })
    const { outputs: embedded } = await encoder.run({ input_ids: golden('input_ids') })
    await model.release()
    await encoder.release()
    return {
      unet: outputs['out_sample']!.data as Float32Array,
      text: embedded['last_hidden_state']!.data as Float32Array,
      report,
    }
  }

  test.each([
    ['a', [a]],
    ['b', [b]],
    ['ab', [a, b]],
    ['c', [c]],
  ] as const)('%s gives the results of the merged weights', async (name, loras) => {
    const { unet, text, report } = await results(loras)
    expect(maxDifference(unet, golden(`${name}.unet`).data as Float32Array)).toBeLessThan(1e-4)
    expect(maxDifference(text, golden(`${name}.text`).data as Float32Array)).toBeLessThan(1e-4)
    expect(report).toEqual([])
  })
})

test('an SDXL file that names modules by their place in the original layout gives the results of the merged weights', async () => {
  const golden = readGolden(file('golden-sdxl'))
  const { unet, texts } = openCheckpoint(`${goldens}tiny-sdxl.safetensors`, { configs: `${goldens}tiny-sdxl` })
  const set = openLoras([{ path: file('kohya-sdxl'), weight: 0.8 }])
  const model = await load(buildUnet(unet.config, set.on('unet', unet.weights, unet.config)))
  const text = await load(buildTextEncoder(texts[0]!.config, set.on('text', texts[0]!.weights), { skip: 1, normed: false }))
  const pooled = { skip: 1, normed: false, pooledAt: 49407 }
  const text2 = await load(buildTextEncoder(texts[1]!.config, set.on('text2', texts[1]!.weights), pooled))
  expect(set.report()).toEqual([])
  const names = ['sample', 'timestep', 'encoder_hidden_states', 'text_embeds', 'time_ids']
  const feeds = Object.fromEntries(names.map((name) => [name, golden(name)]))
  const close = (actual: Tensor | undefined, name: string): void =>
    expect(maxDifference(actual!.data as Float32Array, golden(name).data as Float32Array), name).toBeLessThan(1e-4)
  close((await model.run(feeds)).outputs['out_sample'], 'unet')
  close((await text.run({ input_ids: golden('input_ids') })).outputs['last_hidden_state'], 'text')
  const { outputs } = await text2.run({ input_ids: golden('input_ids_2') })
  close(outputs['last_hidden_state'], 'text_2')
  close(outputs['text_embeds'], 'text_embeds_2')
  for (const session of [model, text, text2]) await session.release()
})
