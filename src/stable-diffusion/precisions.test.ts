import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import '../../test/session-host.ts'
import { maxDifference, readGolden, toBrain, toHalf, writeSafetensors, type TensorToWrite } from '../../test/safetensors.ts'
import { startEngine } from '../onnx/engine.ts'
import { readConfig } from './checkpoint/config-file.ts'
import { openSafetensors } from './checkpoint/safetensors.ts'
import { floatsOf, readTensor } from './checkpoint/tensor-file.ts'
import { weightsOf } from './checkpoint/weights.ts'
import { buildTextEncoder, textEncoderConfigSchema } from './text-encoder.ts'
import { buildUnet } from './unet.ts'
import { unetConfigSchema } from './unet-config.ts'

// A network stored in a coarse precision must be the one whose float32 weights are those coarse numbers.

const tiny = fileURLToPath(new URL('../../test/goldens/tiny-sd15/', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'ofgen-precisions-'))
const engine = startEngine({ threads: 1 })
afterAll(async () => {
  await engine.close()
  rmSync(folder, { recursive: true })
})

const e4m3 = floatsOf(
  Uint8Array.from({ length: 127 }, (_, i) => i),
  'F8_E4M3',
)!

function nearestE4m3(value: number): number {
  let best = 0
  for (let i = 1; i < e4m3.length; i++)
    if (Math.abs(e4m3[i]! - Math.abs(value)) < Math.abs(e4m3[best]! - Math.abs(value))) best = i
  return best | (value < 0 ? 0x80 : 0)
}

const stores = {
  F16: (values) => toHalf(values),
  BF16: (values) => toBrain(values),
  F8_E5M2: (values) => Uint8Array.from(toHalf(values), (half) => half >> 8),
  F8_E4M3: (values) => Uint8Array.from(values, nearestE4m3),
} as const satisfies Partial<Record<TensorToWrite['dtype'], (values: Float32Array) => Uint8Array | Uint16Array>>

type Coarse = keyof typeof stores

/** The weights of a component in a precision, and once more the same numbers as float32. */
function rewritten(component: string, dtype: Coarse): { coarse: string; exact: string } {
  const source = openSafetensors(`${tiny}${component}`)
  const coarse: Record<string, TensorToWrite> = {}
  const exact: Record<string, TensorToWrite> = {}
  for (const [name, { dims, dtype: before }] of source.tensors) {
    if (before !== 'F16' && before !== 'F32') continue
    const data = stores[dtype](readTensor(source, name))
    coarse[name] = { dtype, dims, data }
    exact[name] = { dtype: 'F32', dims, data: floatsOf(new Uint8Array(data.slice().buffer), dtype)! }
  }
  const paths = { coarse: join(folder, `${dtype}.safetensors`), exact: join(folder, `${dtype}-exact.safetensors`) }
  writeSafetensors(paths.coarse, coarse)
  writeSafetensors(paths.exact, exact)
  return paths
}

test.each(Object.keys(stores) as Coarse[])('a UNet stored as %s gives what its numbers give', async (dtype) => {
  const golden = readGolden(`${tiny}golden-unet.safetensors`)
  const config = readConfig(`${tiny}unet/config.json`, unetConfigSchema)
  const { coarse, exact } = rewritten('unet/diffusion_pytorch_model.safetensors', dtype)
  const results: Float32Array[] = []
  for (const path of [coarse, exact]) {
    const session = await engine.load(buildUnet(config, weightsOf([openSafetensors(path)])), { optimization: 'basic' })
    const { outputs } = await session.run({
      sample: golden('case0.sample'),
      timestep: golden('case0.timestep'),
      encoder_hidden_states: golden('case0.encoder_hidden_states'),
    })
    results.push(outputs['out_sample']!.data as Float32Array)
    await session.release()
  }
  expect(maxDifference(results[0]!, results[1]!)).toBeLessThan(1e-6)
  const away = maxDifference(results[0]!, golden('case0.output').data as Float32Array)
  if (dtype === 'F16') expect(away).toBeLessThan(1e-4)
  else expect(away).toBeGreaterThan(1e-4)
})

test.each(['F8_E4M3', 'F8_E5M2'] as const)('a text encoder stored as %s looks its tokens up', async (dtype) => {
  const golden = readGolden(`${tiny}golden-text.safetensors`)
  const config = readConfig(`${tiny}text_encoder/config.json`, textEncoderConfigSchema)
  const { coarse, exact } = rewritten('text_encoder/model.safetensors', dtype)
  const results: Float32Array[] = []
  for (const path of [coarse, exact]) {
    const session = await engine.load(buildTextEncoder(config, weightsOf([openSafetensors(path)])), { optimization: 'basic' })
    const { outputs } = await session.run({ input_ids: golden('input_ids') })
    results.push(outputs['last_hidden_state']!.data as Float32Array)
    await session.release()
  }
  expect(maxDifference(results[0]!, results[1]!)).toBeLessThan(1e-6)
})
