import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import '../../test/session-host.ts'
import { maxDifference, readGolden } from '../../test/safetensors.ts'
import { startEngine, type Session } from '../onnx/engine.ts'
import { floatTensor, type Tensor } from '../onnx/tensor.ts'
import { readConfig } from './checkpoint/config-file.ts'
import { openSafetensors } from './checkpoint/safetensors.ts'
import { weightsOf } from './checkpoint/weights.ts'
import { openControlNet } from './open-controlnet.ts'
import { unetConfigSchema } from './unet-config.ts'
import { buildUnet } from './unet.ts'

// Two miniature ControlNets, one in each layout, against diffusers 0.42.

const goldens = fileURLToPath(new URL('../../test/goldens/', import.meta.url))
const folder = `${goldens}tiny-sd15`
const unetWeights = weightsOf([openSafetensors(`${folder}/unet/diffusion_pytorch_model.safetensors`)])
const config = readConfig(`${folder}/unet/config.json`, unetConfigSchema)
const golden = readGolden(`${goldens}controlnet/golden.safetensors`)
const engine = startEngine({ threads: 1 })
afterAll(() => engine.close())
const load = (graph: Uint8Array): Promise<Session> => engine.load(graph, { optimization: 'extended' })
const floats = (tensor: Tensor | undefined): Float32Array => tensor!.data as Float32Array

const a = { file: openControlNet(`${goldens}controlnet/diffusers-a`), weight: 0.7, hint: 'hint_a' }
const b = { file: openControlNet(`${goldens}controlnet/control-b.safetensors`), weight: 0.45, hint: 'hint_b' }

test('both layouts give the golden residuals and, alone and together, the golden results', async () => {
  const unet = await load(buildUnet(config, unetWeights, { controlled: true }))
  const nets = new Map<string, Session>()
  for (const [name, { file }] of Object.entries({ a, b })) nets.set(name, await load(file.build(config, 4)))
  for (const place of ['case0', 'case1']) {
    const feeds = {
      sample: golden(`${place}.sample`),
      timestep: golden(`${place}.timestep`),
      encoder_hidden_states: golden(`${place}.encoder_hidden_states`),
    }
    const residuals = new Map<string, Readonly<Record<string, Tensor>>>()
    for (const [name, { weight, hint }] of Object.entries({ a, b })) {
      const scale = floatTensor(Float32Array.of(weight), [1])
      const { outputs } = await nets.get(name)!.run({ ...feeds, hint: golden(`${place}.${hint}`), scale })
      residuals.set(name, outputs)
    }
    if (place === 'case0') {
      const names = [...Array.from({ length: 12 }, (_, i) => `down${i}`), 'mid']
      expect(Object.keys(residuals.get('a')!)).toHaveLength(names.length)
      for (const name of names) {
        const given = residuals.get('a')![name.replace('down', 'down_residual_').replace('mid', 'mid_residual')]!
        expect(given.dims).toEqual(golden(`case0.a.${name}`).dims)
        expect(maxDifference(floats(given), floats(golden(`case0.a.${name}`))), name).toBeLessThan(1e-4)
      }
    }
    const both = Object.fromEntries(
      Object.entries(residuals.get('a')!).map(([name, { data, dims }]) => {
        const other = floats(residuals.get('b')![name])
        return [
          name,
          floatTensor(
            Float32Array.from(data as Float32Array, (value, i) => value + other[i]!),
            dims,
          ),
        ]
      }),
    )
    for (const [which, added] of [...residuals, ['ab', both] as const]) {
      const { outputs } = await unet.run({ ...feeds, ...added })
      expect(maxDifference(floats(outputs['out_sample']), floats(golden(`${place}.${which}.output`))), which).toBeLessThan(1e-4)
    }
  }
})

test('a single zero stands for no residual', async () => {
  const [plain, controlled] = [
    await load(buildUnet(config, unetWeights)),
    await load(buildUnet(config, unetWeights, { controlled: true })),
  ]
  const feeds = {
    sample: golden('case0.sample'),
    timestep: golden('case0.timestep'),
    encoder_hidden_states: golden('case0.encoder_hidden_states'),
  }
  const zero = floatTensor(new Float32Array(1), [1, 1, 1, 1])
  const none = Object.fromEntries(
    [...Array.from({ length: 12 }, (_, i) => `down_residual_${i}`), 'mid_residual'].map((name) => [name, zero]),
  )
  const [first, second] = [await plain.run(feeds), await controlled.run({ ...feeds, ...none })]
  expect(maxDifference(floats(first.outputs['out_sample']), floats(second.outputs['out_sample']))).toBeLessThan(1e-5)
})
