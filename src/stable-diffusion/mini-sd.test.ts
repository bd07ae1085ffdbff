import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import '../../test/session-host.ts'
import { maxDifference, readGolden } from '../../test/safetensors.ts'
import { startEngine } from '../onnx/engine.ts'
import type { WeightSource } from '../onnx/scope.ts'
import { floatTensor, type Tensor } from '../onnx/tensor.ts'
import { readConfig } from './checkpoint/config-file.ts'
import { openSafetensors } from './checkpoint/safetensors.ts'
import { weightsOf } from './checkpoint/weights.ts'
import { buildTaesdDecoder, buildTaesdEncoder, taesdConfigSchema } from './taesd.ts'
import { buildTextEncoder, textEncoderConfigSchema } from './text-encoder.ts'
import { buildUnet } from './unet.ts'
import { unetConfigSchema } from './unet-config.ts'

// The embedded model against diffusers and transformers; golden.json says how its numbers were made.

const model = fileURLToPath(new URL('../../assets/mini-sd', import.meta.url))
const golden = readGolden(fileURLToPath(new URL('../../test/goldens/mini-sd/golden.safetensors', import.meta.url)))
const tolerance = 5e-4
const engine = startEngine({ threads: 1 })
afterAll(() => engine.close())

const weights = (file: string): WeightSource => weightsOf([openSafetensors(join(model, file))])

async function run(graph: Uint8Array, feeds: Record<string, Tensor>): Promise<Readonly<Record<string, Tensor>>> {
  const session = await engine.load(graph, { optimization: 'extended' })
  const { outputs } = await session.run(feeds)
  await session.release()
  return outputs
}

test('the text encoder gives the golden states', async () => {
  const config = readConfig(join(model, 'text_encoder/config.json'), textEncoderConfigSchema)
  const ids = golden('ids')
  const { last_hidden_state: states } = await run(buildTextEncoder(config, weights('text_encoder/model.safetensors')), {
    input_ids: { dims: ids.dims, data: Int32Array.from(ids.data as BigInt64Array, Number) },
  })
  expect(maxDifference(states!.data as Float32Array, golden('text').data as Float32Array)).toBeLessThan(tolerance)
})

test('one UNet graph gives the golden outputs at both sizes, odd sides included', async () => {
  const config = readConfig(join(model, 'unet/config.json'), unetConfigSchema)
  const session = await engine.load(buildUnet(config, weights('unet/diffusion_pytorch_model.safetensors')))
  for (const unet of ['unet0', 'unet1']) {
    const { outputs } = await session.run({
      sample: golden(`${unet}.in`),
      timestep: floatTensor(Float32Array.of(Number(golden(`${unet}.timestep`).data[0])), [1]),
      encoder_hidden_states: golden('text'),
    })
    expect(outputs['out_sample']!.dims).toEqual(golden(`${unet}.out`).dims)
    expect(maxDifference(outputs['out_sample']!.data as Float32Array, golden(`${unet}.out`).data as Float32Array)).toBeLessThan(
      tolerance,
    )
  }
  await session.release()
})

test('the autoencoder gives the golden latent and picture', async () => {
  const config = readConfig(join(model, 'vae/config.json'), taesdConfigSchema)
  const source = weights('vae/diffusion_pytorch_model.safetensors')
  const { data, dims } = golden('image_u8')
  const [height, width] = dims as [number, number]
  const image = new Float32Array(3 * height * width)
  for (let i = 0; i < height * width; i++)
    for (let c = 0; c < 3; c++) image[c * height * width + i] = Number(data[3 * i + c]) / 127.5 - 1
  const { latent } = await run(buildTaesdEncoder(config, source), { image: floatTensor(image, [1, 3, height, width]) })
  expect(maxDifference(latent!.data as Float32Array, golden('encode').data as Float32Array)).toBeLessThan(tolerance)
  const { image: decoded } = await run(buildTaesdDecoder(config, source), { latent: golden('encode') })
  expect(maxDifference(decoded!.data as Float32Array, golden('decode').data as Float32Array)).toBeLessThan(tolerance)
})
