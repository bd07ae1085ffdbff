import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import '../../../test/session-host.ts'
import { maxDifference, readGolden } from '../../../test/safetensors.ts'
import { inspectCheckpoint } from '../inspect-checkpoint.ts'
import { openModel } from '../open-model.ts'

// A miniature with random weights that Optimum 2.1 exported (make.py beside it), and what PyTorch gives for it.

const exported = fileURLToPath(new URL('../../../test/goldens/onnx-export', import.meta.url))
const golden = readGolden(join(exported, 'golden.safetensors'))
const floats = (name: string): Float32Array => golden(name).data as Float32Array
const folder = mkdtempSync(join(tmpdir(), 'ofgen-onnx-'))
const options = { threads: 1, device: 'cpu', cache: false, lowMemory: true } as const
afterAll(() => rmSync(folder, { recursive: true }))

function copy(name: string): string {
  const path = join(folder, name)
  cpSync(exported, path, { recursive: true })
  return path
}

test('a folder as Optimum exports it gives what PyTorch gives, from texts and pictures', async () => {
  const model = await openModel(exported, options)
  expect(model).toMatchObject({ family: 'sd1', latentChannels: 4, scale: 2, multiple: 4, warnings: [], name: 'onnx-export' })
  const prompt = await model.embed('a cat, fox')
  expect(maxDifference(prompt.data, floats('states'))).toBeLessThan(1e-5)

  const [height, width] = [16, 24]
  const planes = floats('image')
  const data = Float32Array.from(
    { length: planes.length },
    (_, i) => planes[(i % 3) * height * width + Math.floor(i / 3)]! / 2 + 0.5,
  )
  const latent = await model.encode({ width, height, data })
  expect(latent).toHaveLength(4 * 8 * 12)
  expect(
    maxDifference(
      latent,
      floats('mean').map((value) => value * 0.18215),
    ),
  ).toBeLessThan(1e-4)

  const shape = { channels: 4, height: 8, width: 12 }
  const picture = await model.decode(
    floats('mean').map((value) => value * 0.18215),
    shape,
  )
  const decoded = floats('decoded')
  const expected = Float32Array.from(picture.data, (_, i) =>
    Math.min(1, Math.max(0, decoded[(i % 3) * height * width + Math.floor(i / 3)]! / 2 + 0.5)),
  )
  expect(maxDifference(picture.data, expected)).toBeLessThan(1e-4)

  const sigma = model.noise.sigmaAt(501)
  const x = floats('sample').map((value) => value * Math.sqrt(1 + sigma * sigma))
  const denoise = model.denoiser({ positive: prompt, negative: prompt, cfgScale: 1, shape })
  const x0 = await denoise(x, sigma)
  const output = x.map((value, i) => (value - x0[i]!) / sigma)
  expect(maxDifference(output, floats('output'))).toBeLessThan(1e-4)

  // Its maps are doubled on the way up: a part with odd sides is grown and cropped.
  const odd = { channels: 4, height: 5, width: 7 }
  const part = await model.denoiser({ positive: prompt, negative: prompt, cfgScale: 1, shape: odd })(x.slice(0, 140), sigma)
  expect(part).toHaveLength(140)
  await model.close()
})

test('what would change the insides of its graphs is refused', async () => {
  for (const [name, wish] of [
    ['loras', { loras: [{ path: 'any', weight: 1 }] }],
    ['clipSkip', { clipSkip: 2 }],
  ] as const)
    await expect(openModel(exported, { ...options, ...wish })).rejects.toMatchObject({
      code: 'option_invalid',
      message: expect.stringContaining(`take no ${name}`) as unknown,
    })
})

test('weights outside of the folder are refused', async () => {
  const path = copy('tricky')
  const file = join(path, 'text_encoder/model.onnx')
  writeFileSync(file, readFileSync(file, 'latin1').replaceAll('model.onnx_data', '../../../etc/ab'), 'latin1')
  await expect(openModel(path, options)).rejects.toMatchObject({
    code: 'model_invalid',
    message: expect.stringContaining('wants weights from ../../../etc/ab, which lies outside') as unknown,
  })
})

test('a graph that is cut, none, or of another network is refused', async () => {
  const path = copy('damaged')
  const file = join(path, 'unet/model.onnx')
  truncateSync(file, 100_000)
  await expect(openModel(path, options)).rejects.toThrow('is no ONNX model, or a damaged one')
  writeFileSync(file, 'hello')
  await expect(openModel(path, options)).rejects.toThrow('is no ONNX model, or a damaged one')
  cpSync(join(exported, 'vae_decoder/model.onnx'), file)
  await expect(openModel(path, options)).rejects.toThrow('has no input "sample"; it has latent_sample')
  rmSync(join(path, 'unet/config.json'))
  await expect(openModel(path, options)).rejects.toMatchObject({
    code: 'model_missing',
    hint: expect.stringContaining('Optimum') as unknown,
  })
})

test('inspect says what it is', () => {
  expect(inspectCheckpoint(exported)).toMatchObject({
    title: 'Stable Diffusion 1',
    usable: true,
    missing: [],
    parts: [{ title: 'UNet' }, { title: 'text encoder' }, { title: 'encoder' }, { title: 'decoder' }],
  })
})
