import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import '../../test/session-host.ts'
import { maxDifference, readGolden } from '../../test/safetensors.ts'
import { startEngine, type Session } from '../onnx/engine.ts'
import { floatTensor, type Tensor } from '../onnx/tensor.ts'
import { readConfig } from './checkpoint/config-file.ts'
import { openSafetensors } from './checkpoint/safetensors.ts'
import { weightsOf } from './checkpoint/weights.ts'
import type { Conditioning, ControlHint, Embedding } from './diffusion-model.ts'
import { openControlNet } from './open-controlnet.ts'
import { openModel } from './open-model.ts'
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
  for (const [name, { file }] of Object.entries({ a, b }))
    nets.set(name, await load(file.build(config, { latentChannels: 4, scale: 8 })))
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

test('an open model denoises under its ControlNets, with cfg, as the graphs do', async () => {
  const model = await openModel(folder, {
    controlNets: [`${goldens}controlnet/diffusers-a`, `${goldens}controlnet/control-b.safetensors`],
  })
  try {
    expect(model.controlNets).toEqual(['diffusers-a', 'control-b'])
    const shape = { channels: 4, height: 8, width: 12 }
    const row = (name: string, n: number): Float32Array => {
      const { data, dims } = golden(name)
      const length = data.length / dims[0]!
      return (data as Float32Array).slice(n * length, (n + 1) * length)
    }
    const sigma = model.noise.sigmaAt(Number(golden('case0.timestep').data[0]))
    const sample = row('case0.sample', 0)
    const embedding = (n: number): Embedding => ({ tokens: 77, width: 24, data: row('case0.encoder_hidden_states', n) })
    const hint = (name: string): ControlHint['image'] => {
      const planes = row(`case0.${name}`, 0)
      const count = planes.length / 3
      return { width: 96, height: 64, data: Float32Array.from(planes, (_, i) => planes[(i % 3) * count + Math.floor(i / 3)]!) }
    }
    const controls = [
      { net: 0, image: hint('hint_a'), weight: 0.7 },
      { net: 1, image: hint('hint_b'), weight: 0.45 },
    ]
    const x = sample.map((value) => value * Math.sqrt(1 + sigma * sigma))
    const x0 = async (more: Partial<Conditioning>): Promise<Float32Array> =>
      model.denoiser({ positive: embedding(0), negative: embedding(1), cfgScale: 1, shape, ...more })(x, sigma)
    const expected = row('case0.ab.output', 0).map((epsilon, i) => x[i]! - sigma * epsilon)
    expect(maxDifference(await x0({ controls }), expected)).toBeLessThan(1e-4 * Math.max(1, sigma) * 2)
    const alone = row('case0.a.output', 0).map((epsilon, i) => x[i]! - sigma * epsilon)
    expect(maxDifference(await x0({ controls: controls.slice(0, 1) }), alone)).toBeLessThan(1e-4 * Math.max(1, sigma) * 2)
    const both = [await x0({ controls }), await x0({ controls, positive: embedding(1) })]
    const withCfg = both[0]!.map((value, i) => both[1]![i]! + 3 * (value - both[1]![i]!))
    expect(maxDifference(await x0({ controls, cfgScale: 3 }), withCfg)).toBeLessThan(1e-3 * Math.max(1, sigma))
    expect(await x0({ controls: [{ ...controls[0]!, weight: 0 }] })).toEqual(await x0({}))
    const wrong = { ...controls[0]!, image: { ...controls[0]!.image, width: 64 } }
    await expect(x0({ controls: [wrong] })).rejects.toThrow('conditioning.controls[0].image must be 96x64')
  } finally {
    await model.close()
  }
})
