import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import '../../test/session-host.ts'
import { writeFolder, writeSingleFile } from '../../test/layouts.ts'
import { maxDifference, readGolden, writeSafetensors, type TensorToWrite } from '../../test/safetensors.ts'
import { startEngine } from '../onnx/engine.ts'
import type { Tensor } from '../onnx/tensor.ts'
import type { CheckpointOptions } from './checkpoint/checkpoint.ts'
import { openCheckpoint } from './checkpoint/open-checkpoint.ts'
import { openSafetensors } from './checkpoint/safetensors.ts'
import { writeTorchFile } from '../../test/torch-file.ts'
import type { DiffusionModel, Embedding } from './diffusion-model.ts'
import { openModel, type OpenModelOptions } from './open-model.ts'
import { buildUnet } from './unet.ts'

// Whole models in every layout, opened as a user opens them.

const goldens = fileURLToPath(new URL('../../test/goldens/', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'ofgen-checkpoints-'))
const models: DiffusionModel[] = []
afterEach(async () => {
  await Promise.all(models.splice(0).map((model) => model.close()))
})
const engine = startEngine({ threads: 1 })
afterAll(async () => {
  await engine.close()
  rmSync(folder, { recursive: true })
})

// Networks are loaded one by one when they are needed: most tests need one or two.
const plain = { threads: 1, device: 'cpu', cache: false, lowMemory: true } as const
async function open(path: string, options: OpenModelOptions = {}): Promise<DiffusionModel> {
  const model = await openModel(path, { ...plain, ...options })
  models.push(model)
  return model
}

const sd15 = join(folder, 'tiny-sd15.safetensors')
writeSingleFile(`${goldens}tiny-sd15`, sd15)
const configs = (name: string): OpenModelOptions => ({ configs: `${goldens}${name}` })
const sd2 = `${goldens}tiny-sd2.safetensors`
const sdxl = `${goldens}tiny-sdxl.safetensors`
for (const name of ['tiny-sd2', 'tiny-sdxl'])
  writeFolder(`${goldens}${name}`, `${goldens}${name}.safetensors`, join(folder, name))

const goldenText = (name: string, tensor: string, row: number): Float32Array => {
  const { data, dims } = readGolden(`${goldens}${name}.safetensors`)(tensor)
  const count = dims.slice(1).reduce((product, side) => product * side, 1)
  return (data as Float32Array).subarray(row * count, (row + 1) * count)
}

const latent = Float32Array.from({ length: 192 }, (_, i) => Math.sin(i * 1.7) * 3)
/** The latent as networks see it. */
const noisy = latent.map((value) => value / Math.sqrt(1 + 2.5 ** 2))

/** x0 of a latent at sigma 2.5 under two prompts, cfg 2. */
async function someStep(model: DiffusionModel, [positive, negative]: readonly [Embedding, Embedding]): Promise<Float32Array> {
  const shape = { channels: 4, height: 8, width: 6 }
  return model.denoiser({ positive, negative, cfgScale: 2, shape })(latent, 2.5)
}

/** The UNet of a checkpoint on its own: its output for a sample at sigma 2.5. */
async function rawUnet(
  path: string,
  options: CheckpointOptions,
  sample: Float32Array,
  feeds: (prompt: Embedding) => Record<string, Tensor>,
): Promise<(model: DiffusionModel, prompt: Embedding) => Promise<Float32Array>> {
  const { config, weights } = openCheckpoint(path, options).unet
  const session = await engine.load(buildUnet(config, weights), { optimization: 'basic' })
  return async (model, prompt) => {
    const { outputs } = await session.run({
      sample: { data: sample, dims: [1, config.in_channels, 8, 6] },
      timestep: { data: Float32Array.of(model.noise.timestepAt(2.5)), dims: [1] },
      ...feeds(prompt),
    })
    return outputs['out_sample']!.data as Float32Array
  }
}

test('Stable Diffusion 1 as one file is what it is as a folder', async () => {
  const [file, whole] = await Promise.all([open(sd15, configs('tiny-sd15')), open(`${goldens}tiny-sd15`)])
  expect(file).toMatchObject({ name: 'tiny-sd15', family: 'sd1', defaults: { area: 512 * 512 }, seesSource: false })
  const results: Float32Array[] = []
  for (const model of [file, whole]) {
    const prompts = [await model.embed('a lighthouse on a cliff'), await model.embed('blurry')] as const
    results.push(prompts[0].data, await someStep(model, prompts))
    results.push(await model.encode({ width: 16, height: 24, data: Float32Array.from({ length: 1152 }, (_, i) => (i % 7) / 6) }))
  }
  for (const i of [0, 1, 2]) expect(maxDifference(results[i]!, results[i + 3]!)).toBeLessThan(1e-5)
})

test.each([
  ['one file', sd2, configs('tiny-sd2')],
  ['folder', join(folder, 'tiny-sd2'), {}],
] as const)(
  'Stable Diffusion 2 as %s takes the last layer but one, filled up with "!", and predicts v',
  async (_, path, options) => {
    const model = await open(path, options)
    expect(model).toMatchObject({ family: 'sd2', noise: { predictionType: 'v_prediction' }, defaults: { area: 768 * 768 } })
    const embedding = await model.embed('a fox in the snow')
    expect(maxDifference(embedding.data, goldenText('tiny-sd2/golden-text', 'last_hidden_state', 0))).toBeLessThan(5e-5)
    await expect(openModel(path, { ...options, ...plain, clipSkip: 1 })).rejects.toThrow(
      '--clip-skip cannot be 1 for this model; accepted: 2 to 4.',
    )
  },
)

describe.each([
  ['one file', sdxl, configs('tiny-sdxl')],
  ['folder', join(folder, 'tiny-sdxl'), {}],
] as const)('Stable Diffusion XL as %s', (_, path, options) => {
  test('sets the states of both text encoders side by side and has a pooled prompt', async () => {
    const model = await open(path, options)
    expect(model).toMatchObject({ family: 'sdxl', noise: { predictionType: 'epsilon' }, defaults: { area: 1024 * 1024 } })
    const embedding = await model.embed('text, watermark')
    const first = goldenText('tiny-sdxl/golden-text', 'penultimate', 1)
    const second = goldenText('tiny-sdxl/golden-text-2', 'penultimate', 1)
    const both = Float32Array.from({ length: 77 * 20 }, (_, i) => {
      const [token, at] = [Math.floor(i / 20), i % 20]
      return at < 8 ? first[token * 8 + at]! : second[token * 12 + at - 8]!
    })
    expect(embedding).toMatchObject({ tokens: 77, width: 20 })
    expect(maxDifference(embedding.data, both)).toBeLessThan(5e-4)
    expect(maxDifference(embedding.pooled!, goldenText('tiny-sdxl/golden-text-2', 'text_embeds', 1))).toBeLessThan(5e-4)
  })

  test('denoises under the pooled prompts and the sizes of the picture', async () => {
    const model = await open(path, options)
    const prompts = [await model.embed('a castle at dawn, watercolour'), await model.embed('text, watermark')] as const
    const both = await someStep(model, prompts)
    const swapped = await someStep(model, [{ ...prompts[0], pooled: prompts[1].pooled }, prompts[1]])
    expect(maxDifference(both, swapped)).toBeGreaterThan(1e-3)
    await expect(someStep(model, [{ ...prompts[0], pooled: undefined }, prompts[1]])).rejects.toThrow(
      'a pooled vector of 20 values, got none',
    )
  })
})

test("SDXL's UNet is told the size that is made, as original and target, uncropped", async () => {
  const model = await open(sdxl, configs('tiny-sdxl'))
  const prompts = [await model.embed('a castle at dawn'), await model.embed('blurry')] as const
  const output = await rawUnet(sdxl, configs('tiny-sdxl'), noisy, ({ data, pooled }) => ({
    encoder_hidden_states: { data, dims: [1, 77, 20] },
    text_embeds: { data: pooled!, dims: [1, 20] },
    time_ids: { data: Float32Array.of(64, 48, 0, 0, 64, 48), dims: [1, 6] },
  }))
  const [first, second] = [await output(model, prompts[0]), await output(model, prompts[1])]
  const expected = latent.map((value, i) => value - 2.5 * (second[i]! + 2 * (first[i]! - second[i]!)))
  expect(maxDifference(await someStep(model, prompts), expected)).toBeLessThan(1e-3)
})

test('an inpainting UNet is shown a mask of ones and the latent of a grey picture', async () => {
  const path = join(folder, 'tiny-inpaint')
  cpSync(`${goldens}tiny-sd15`, path, { recursive: true, filter: (file) => !/^golden|^single-file|^unet/.test(basename(file)) })
  cpSync(`${goldens}tiny-inpaint/unet`, join(path, 'unet'), { recursive: true })
  const model = await open(path)
  expect(model).toMatchObject({ family: 'sd1', seesSource: false, latentChannels: 4 })
  const prompts = [await model.embed('a fox'), await model.embed('')] as const
  const grey = await model.encode({ width: 48, height: 64, data: new Float32Array(48 * 64 * 3).fill(0.5) })
  const sample = Float32Array.from([...noisy, ...Array<number>(48).fill(1), ...grey])
  const output = await rawUnet(path, {}, sample, ({ data }) => ({ encoder_hidden_states: { data, dims: [1, 77, 24] } }))
  const [first, second] = [await output(model, prompts[0]), await output(model, prompts[1])]
  const expected = latent.map((value, i) => value - 2.5 * (second[i]! + 2 * (first[i]! - second[i]!)))
  expect(maxDifference(await someStep(model, prompts), expected)).toBeLessThan(1e-3)
})

test('clip skip takes an earlier layer, normed', async () => {
  const prompt = '1girl, silver_hair, looking at viewer (masterpiece:1.2), best quality'
  const escaped = prompt.replaceAll('(', String.raw`\(`).replaceAll(')', String.raw`\)`)
  const model = await open(sd15, { ...configs('tiny-sd15'), clipSkip: 2 })
  const { data } = await model.embed(escaped)
  expect(maxDifference(data, goldenText('tiny-sd15/golden-text', 'penultimate_normed', 1))).toBeLessThan(1e-4)
})

test('another autoencoder takes the place of the own one', async () => {
  const picture = { width: 16, height: 16, data: Float32Array.from({ length: 768 }, (_, i) => (i % 5) / 4) }
  const [own, other, tiny] = [
    await open(sd15, configs('tiny-sd15')),
    await open(sd15, { ...configs('tiny-sd15'), vae: `${goldens}tiny-sd15/vae` }),
    await open(sd15, { ...configs('tiny-sd15'), vae: `${goldens}taesd/taesd_decoder.safetensors` }),
  ]
  expect(maxDifference(await own.encode(picture), await other.encode(picture))).toBeLessThan(1e-5)
  expect(maxDifference(await own.encode(picture), await tiny.encode(picture))).toBeGreaterThan(0.05)
  expect(new Set([own.hash, other.hash, tiny.hash]).size).toBe(3)
})

describe('what a single file predicts', () => {
  const source = openSafetensors(sd2)
  const bytes = readFileSync(sd2)
  const copy = (name: string, more: Record<string, TensorToWrite> = {}): string => {
    const path = join(folder, name)
    const tensors = [...source.tensors].map(([key, { dtype, dims, offset, length }]) => [
      key,
      { dtype: dtype as 'F16', dims, data: new Uint8Array(bytes.subarray(offset, offset + length)) },
    ])
    writeSafetensors(path, { ...(Object.fromEntries(tensors) as Record<string, TensorToWrite>), ...more })
    return path
  }
  const marker: TensorToWrite = { dtype: 'F32', dims: [0], data: new Float32Array(0) }
  const options = configs('tiny-sd2')

  test('is told by marker tensors, a .yaml beside it, its name, or the user', async () => {
    const noise = async (path: string, more: OpenModelOptions = {}): Promise<DiffusionModel['noise']> =>
      (await open(path, { ...options, ...more })).noise
    const base = copy('sd-512-base.safetensors')
    expect((await noise(base)).predictionType).toBe('epsilon')
    expect((await noise(base, { prediction: 'v' })).predictionType).toBe('v_prediction')
    const marked = copy('sd-512-base-2.safetensors', { v_pred: marker, ztsnr: marker })
    const zero = await noise(marked)
    expect(zero.predictionType).toBe('v_prediction')
    expect(zero.spacing).toBe('trailing')
    expect(zero.sigmaAt(999)).toBeGreaterThan(1e5)
    expect((await noise(base)).sigmaAt(999)).toBeCloseTo(14.61, 1)
    expect((await noise(base, { zeroSnr: true })).sigmaAt(999)).toBeGreaterThan(1e5)
    const told = copy('told.safetensors')
    writeFileSync(join(folder, 'told.yaml'), 'model:\n  params:\n    parameterization: "eps"\n')
    expect((await noise(told)).predictionType).toBe('epsilon')
    writeFileSync(join(folder, 'told.yaml'), 'model:\n  params:\n    parameterization: "v"\n')
    expect((await noise(told)).predictionType).toBe('v_prediction')
  })

  test('the hash follows what the user says of the model, not where the file lies', async () => {
    const path = copy('hashed.safetensors')
    const { hash } = await open(path, options)
    expect((await open(path, { ...options, prediction: 'epsilon' })).hash).not.toBe(hash)
    renameSync(path, join(folder, 'moved.safetensors'))
    expect((await open(join(folder, 'moved.safetensors'), options)).hash).toBe(hash)
  })
})

test('weights in variants, shards and .bin files are found, full precision first', () => {
  const path = join(folder, 'variants')
  cpSync(`${goldens}tiny-sd15`, path, { recursive: true })
  const unet = join(path, 'unet')
  const whole = join(unet, 'diffusion_pytorch_model.safetensors')
  const where = (): string[] =>
    openCheckpoint(path)
      .files.filter((file) => file.startsWith(unet) && !file.endsWith('.json'))
      .map((file) => basename(file))
  const { tensors } = openSafetensors(whole)
  const content = readFileSync(whole)
  const [first, second] = [0, 1].map((half) =>
    Object.fromEntries(
      [...tensors]
        .filter((_, i) => i % 2 === half)
        .map(([name, { dtype, dims, offset, length }]): [string, TensorToWrite] => [
          name,
          { dtype: dtype as 'F16', dims, data: new Uint8Array(content.subarray(offset, offset + length)) },
        ]),
    ),
  ) as [Record<string, TensorToWrite>, Record<string, TensorToWrite>]
  const shards = (stem: string, ending: string): string[] => [1, 2].map((n) => `${stem}-0000${n}-of-00002.${ending}`)
  const index = (names: string[]): string =>
    JSON.stringify({
      weight_map: Object.fromEntries([
        ...Object.keys(first).map((key) => [key, names[0]]),
        ...Object.keys(second).map((key) => [key, names[1]]),
      ]),
    })

  writeTorchFile(join(unet, 'diffusion_pytorch_model.bin'), { ...first, ...second })
  expect(where()).toEqual(['diffusion_pytorch_model.safetensors'])
  const half = shards('diffusion_pytorch_model.fp16', 'safetensors')
  renameSync(whole, join(folder, 'aside'))
  writeSafetensors(join(unet, half[0]!), first)
  writeSafetensors(join(unet, half[1]!), second)
  for (const name of [
    'diffusion_pytorch_model.safetensors.index.fp16.json',
    'diffusion_pytorch_model.fp16.safetensors.index.json',
  ]) {
    writeFileSync(join(unet, name), index(half))
    expect(where()).toEqual(half)
    rmSync(join(unet, name))
  }
  expect(where()).toEqual(['diffusion_pytorch_model.bin'])
  const { weights } = openCheckpoint(path).unet
  expect(weights.find('conv_in.weight', [32, 4, 3, 3])).toMatchObject({ type: 'float16', dims: [32, 4, 3, 3] })
  renameSync(join(unet, 'diffusion_pytorch_model.bin'), join(unet, 'diffusion_pytorch_model.ema.safetensors'))
  expect(where()).toEqual(['diffusion_pytorch_model.ema.safetensors'])
})

describe('bad input', () => {
  const bytes = readFileSync(sd15)
  const header = JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE())).toString()) as Record<
    string,
    { data_offsets: [number, number] }
  >
  const begin = 8 + Number(bytes.readBigUInt64LE())

  test('weights that are no numbers end the first evaluation with a sentence', async () => {
    const path = join(folder, 'nan.safetensors')
    const damaged = Buffer.from(bytes)
    const [at] = header['model.diffusion_model.out.2.weight']!.data_offsets
    damaged.writeUInt16LE(0x7e00, begin + at)
    writeFileSync(path, damaged)
    const model = await open(path, configs('tiny-sd15'))
    const prompts = [await model.embed('a'), await model.embed('b')] as const
    await expect(someStep(model, prompts)).rejects.toMatchObject({
      message: expect.stringContaining('unet network of') as unknown,
      hint: expect.stringContaining('inspect --numbers') as unknown,
    })
  })

  test.each([
    [
      'cut in the middle',
      (): Buffer => bytes.subarray(0, bytes.length >> 1),
      /is truncated: its tensors need \d+ bytes, it has \d+/,
    ],
    [
      'with a header of a thousand million million bytes',
      (): Buffer => Buffer.concat([Buffer.from('00c06e31d9100100', 'hex'), bytes.subarray(8)]),
      /does not begin as a safetensors file \(header length/,
    ],
    [
      'that is a web page',
      (): Buffer => Buffer.from('<!DOCTYPE html><html><body>404</body></html>'),
      /does not begin as a safetensors file/,
    ],
    ['that is empty', (): Buffer => Buffer.alloc(0), /has only 0 bytes/],
  ])('a file %s is refused', async (_, make, message) => {
    const path = join(folder, 'bad.safetensors')
    writeFileSync(path, make())
    await expect(openModel(path, plain)).rejects.toMatchObject({
      code: 'model_invalid',
      message: expect.stringMatching(message) as unknown,
    })
  })

  test.each([
    ['lora/kohya-a.safetensors', 'is a LoRA, which cannot be used as a model', '--lora'],
    ['controlnet/control-b.safetensors', 'is a ControlNet, which cannot be used as a model', '--control'],
    ['tiny-sd15/vae/diffusion_pytorch_model.safetensors', 'is an autoencoder (VAE), which cannot be used as a model', '--vae'],
    ['torch-files/evil.ckpt', '.system", which is not accepted in a file of weights', '.safetensors'],
  ])('%s as a model is refused, saying what it is', async (file, message, hint) => {
    await expect(openModel(goldens + file, plain)).rejects.toMatchObject({
      code: 'model_invalid',
      message: expect.stringContaining(message) as unknown,
      hint: expect.stringContaining(hint) as unknown,
    })
  })

  test('a single file whose shapes are of no published model names what does not fit', async () => {
    await expect(openModel(sd15, plain)).rejects.toThrow(
      /its UNet\) describes a model that is not supported \(block_out_channels\.2: must be a multiple of norm_num_groups/,
    )
  })

  test('an autoencoder that is none is refused, saying what it is', async () => {
    const options = { ...plain, ...configs('tiny-sd15') }
    await expect(openModel(sd15, { ...options, vae: `${goldens}lora/kohya-a.safetensors` })).rejects.toThrow(
      'is no autoencoder but a LoRA',
    )
    await expect(openModel(sd15, { ...options, vae: join(folder, 'none') })).rejects.toMatchObject({ code: 'model_missing' })
  })

  test('a shard that the index names and is not there, or lies outside of the folder, is refused', async () => {
    const path = join(folder, 'sharded')
    cpSync(`${goldens}tiny-sd15`, path, { recursive: true })
    const weights = join(path, 'unet/diffusion_pytorch_model.safetensors')
    renameSync(weights, join(path, 'unet/part.safetensors'))
    const index = (map: Record<string, string>): void =>
      writeFileSync(`${weights}.index.json`, JSON.stringify({ weight_map: map }))
    index({ 'conv_in.weight': 'part.safetensors', 'conv_in.bias': 'gone.safetensors' })
    await expect(openModel(path, plain)).rejects.toThrow(/gone\.safetensors cannot be opened/)
    index({ 'conv_in.weight': '../../etc/passwd.safetensors' })
    await expect(openModel(path, plain)).rejects.toThrow('must name a file beside the index')
    index({ 'conv_in.weight': 'part.safetensors', 'no_such.weight': 'part.safetensors' })
    await expect(openModel(path, plain)).rejects.toThrow('has no tensor "no_such.weight"')
  })
})
