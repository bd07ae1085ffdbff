import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, expect, test } from 'vitest'
import '../../test/session-host.ts'
import { maxDifference, readGolden } from '../../test/safetensors.ts'
import { isAbort } from '../errors.ts'
import type { DiffusionModel } from './diffusion-model.ts'
import { openModel } from './open-model.ts'

const miniSd = fileURLToPath(new URL('../../assets/mini-sd', import.meta.url))
const tinySd15 = fileURLToPath(new URL('../../test/goldens/tiny-sd15', import.meta.url))
const golden = readGolden(fileURLToPath(new URL('../../test/goldens/mini-sd/golden.safetensors', import.meta.url)))
const goldenRun = JSON.parse(readFileSync(new URL('../../test/goldens/mini-sd/golden.json', import.meta.url), 'utf8')) as {
  prompts: [string, string]
  run: { cfg: number }
  tolerance: number
}
const floats = (name: string): Float32Array => golden(name).data as Float32Array

const folders: string[] = []
const models: DiffusionModel[] = []
afterEach(async () => {
  await Promise.all(models.splice(0).map((model) => model.close()))
})
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})
async function open(...args: Parameters<typeof openModel>): Promise<DiffusionModel> {
  const model = await openModel(...args)
  models.push(model)
  return model
}
/** A copy of the miniature model to be damaged. */
function copyOfTiny(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ofgen-model-'))
  folders.push(folder)
  cpSync(tinySd15, folder, { recursive: true, filter: (path) => !basename(path).startsWith('golden') })
  return folder
}

const image = {
  width: 128,
  height: 96,
  data: Float32Array.from(golden('image_u8').data as Int32Array, (value) => value / 255),
}
const shape = { channels: 4, height: 24, width: 32 }
const scalingFactor = 1.32824

test('the embedded model gives the golden InstructPix2Pix run from texts and a picture', async () => {
  const model = await open(miniSd)
  expect(model).toMatchObject({ name: 'mini-sd', scale: 4, latentChannels: 4, seesSource: true })
  expect(model.noise.predictionType).toBe('v_prediction')
  const [positive, negative] = await Promise.all(goldenRun.prompts.map((text) => model.embed(text)))
  expect(maxDifference(positive!.data, floats('text').subarray(0, 77 * 128))).toBeLessThan(goldenRun.tolerance)
  expect(maxDifference(negative!.data, floats('text').subarray(77 * 128))).toBeLessThan(goldenRun.tolerance)

  const source = await model.encode(image)
  expect(
    maxDifference(
      source,
      floats('encode').map((value) => value * scalingFactor),
    ),
  ).toBeLessThan(goldenRun.tolerance)

  // DDIM with eta 0 is Euler in the variance-exploding scaling; its last step ends at the first alpha.
  const timesteps = Array.from(golden('run.timesteps').data, Number)
  const sigmas = [...timesteps.map((t) => model.noise.sigmaAt(t)), model.noise.sigmaAt(0)]
  const denoise = model.denoiser({ positive: positive!, negative: negative!, cfgScale: goldenRun.run.cfg, shape, source })
  let x = source.map((value, i) => value + sigmas[0]! * floats('run.noise')[i]!)
  const count = x.length
  for (const [i, sigma] of sigmas.entries()) {
    const preserving = x.map((value) => value / Math.sqrt(1 + sigma * sigma))
    expect(maxDifference(preserving, floats('run.latents').subarray(i * count, (i + 1) * count)), `step ${i}`).toBeLessThan(
      goldenRun.tolerance,
    )
    const next = sigmas[i + 1]
    if (next === undefined) {
      x = preserving
      break
    }
    const x0 = await denoise(x, sigma)
    x = x.map((value, j) => x0[j]! + ((value - x0[j]!) / sigma) * next)
  }
  expect(model.counters.evaluations).toBe(2 * timesteps.length)
  expect(model.counters.engineSeconds).toBeGreaterThan(0)

  const picture = await model.decode(x, shape)
  expect([picture.width, picture.height]).toEqual([128, 96])
  const planes = floats('run.image')
  const pixels = Float32Array.from({ length: planes.length }, (_, i) => planes[(i % 3) * 128 * 96 + Math.floor(i / 3)]!)
  expect(maxDifference(picture.data, pixels)).toBeLessThan(goldenRun.tolerance)
})

test('an SD 1.5 folder opens with the defaults of its kind and denoises odd sizes, both prompts in one run or not alike', async () => {
  const model = await open(tinySd15)
  expect(model).toMatchObject({
    scale: 8,
    latentChannels: 4,
    seesSource: false,
    defaults: { strength: 0.4, steps: 20, cfgScale: 7 },
  })
  const [positive, negative] = await Promise.all([model.embed('a fox'), model.embed('')])
  const odd = { channels: 4, height: 5, width: 7 }
  const x = Float32Array.from({ length: 140 }, (_, i) => Math.sin(i * 1.7) * 3)
  const under = (cfgScale: number, first = positive): Promise<Float32Array> =>
    model.denoiser({ positive: first, negative, cfgScale, shape: odd })(x, 2.5)
  const [both, prompt, against] = [await under(3), await under(1), await under(1, negative)]
  expect(model.counters.evaluations).toBe(4)
  const expected = prompt.map((value, i) => against[i]! + 3 * (value - against[i]!))
  expect(maxDifference(prompt, against)).toBeGreaterThan(1e-3)
  expect(maxDifference(both, expected)).toBeLessThan(1e-4)
})

test('encode and decode divide and multiply by the scaling factor', async () => {
  const model = await open(tinySd15)
  const golden = readGolden(join(tinySd15, 'golden-vae.safetensors'))
  const planes = golden('case0.image').data as Float32Array
  const [height, width] = golden('case0.image').dims.slice(2) as [number, number]
  const data = Float32Array.from(
    { length: planes.length },
    (_, i) => planes[(i % 3) * height * width + Math.floor(i / 3)]! / 2 + 0.5,
  )
  const latent = await model.encode({ width, height, data })
  const mean = golden('case0.mean').data as Float32Array
  expect(
    maxDifference(
      latent,
      mean.map((value) => value * 0.18215),
    ),
  ).toBeLessThan(5e-5)
  const latents = (golden('case0.latents').data as Float32Array).map((value) => value * 0.18215)
  const picture = await model.decode(latents, { channels: 4, height: height / 8, width: width / 8 })
  const decoded = golden('case0.decoded').data as Float32Array
  const expected = Float32Array.from(picture.data, (_, i) =>
    Math.min(1, Math.max(0, decoded[(i % 3) * height * width + Math.floor(i / 3)]! / 2 + 0.5)),
  )
  expect(maxDifference(picture.data, expected)).toBeLessThan(5e-5)
})

test('refuses arguments that do not fit', async () => {
  const model = await open(miniSd)
  await expect(model.encode({ width: 10, height: 8, data: new Float32Array(240) })).rejects.toThrow('multiples of 4, got 10x8')
  const embedding = { tokens: 77, width: 128, data: new Float32Array(77 * 128) }
  const conditioning = { positive: embedding, negative: embedding, cfgScale: 2, shape }
  expect(() => model.denoiser(conditioning)).toThrow('conditioning.source')
  expect(() => model.denoiser({ ...conditioning, shape: { ...shape, channels: 3 } })).toThrow('conditioning.shape')
  const denoise = model.denoiser({ ...conditioning, source: new Float32Array(4 * 24 * 32) })
  await expect(denoise(new Float32Array(4), 1)).rejects.toThrow(RangeError)
})

test('cancelling rejects, and the model goes on afterwards', async () => {
  const model = await open(miniSd)
  const abort = new AbortController()
  const embedding = model.embed('a fox', abort.signal)
  abort.abort()
  await expect(embedding).rejects.toSatisfy(isAbort)
  await expect(openModel(miniSd, { signal: abort.signal })).rejects.toSatisfy(isAbort)
  expect((await model.embed('a fox')).tokens).toBe(77)
})

test('the hash follows the weights, not the place or the time', async () => {
  const [first, second] = [copyOfTiny(), copyOfTiny()]
  const hash = async (folder: string): Promise<string> => (await open(folder)).hash
  expect(await hash(first)).toMatch(/^[0-9a-f]{32}$/)
  expect(await hash(second)).toBe(await hash(first))
  const file = join(second, 'unet/diffusion_pytorch_model.safetensors')
  const bytes = readFileSync(file)
  bytes[bytes.length - 1]! ^= 1
  writeFileSync(file, bytes)
  expect(await hash(second)).not.toBe(await hash(first))
})

test.each([
  ['a folder that is not there', 'model_missing', /no model at/, (folder: string) => rmSync(folder, { recursive: true })],
  [
    'a missing UNet',
    'model_missing',
    /unet.config\.json is missing/,
    (folder: string) => rmSync(join(folder, 'unet'), { recursive: true }),
  ],
  [
    'weights of another format',
    'model_missing',
    /vae has no weights: diffusion_pytorch_model\.safetensors/,
    (folder: string) =>
      renameSync(join(folder, 'vae/diffusion_pytorch_model.safetensors'), join(folder, 'vae/diffusion_flax_model.msgpack')),
  ],
  [
    'cut weights',
    'model_invalid',
    /text_encoder.model\.safetensors is truncated/,
    (folder: string) => {
      const file = join(folder, 'text_encoder/model.safetensors')
      writeFileSync(file, readFileSync(file).subarray(0, -1000))
    },
  ],
  [
    'a config that is not supported',
    'model_invalid',
    /unet.config\.json .*class_embed_type/,
    (folder: string) => edit(join(folder, 'unet/config.json'), { class_embed_type: 'timestep' }),
  ],
  [
    'a config of another network',
    'model_invalid',
    /unet.*tensor "down_blocks\.1\.resnets\.0\.conv1\.weight" is .*calls for/,
    (folder: string) => edit(join(folder, 'unet/config.json'), { block_out_channels: [32, 48, 48, 48] }),
  ],
  [
    'an inpainting UNet',
    'model_invalid',
    /conv_in\.weight|in_channels 9/,
    (folder: string) => edit(join(folder, 'unet/config.json'), { in_channels: 9 }),
  ],
  [
    'defaults out of range',
    'model_invalid',
    /ofgen\.json .*strength/,
    (folder: string) => writeFileSync(join(folder, 'ofgen.json'), '{"strength": 2}'),
  ],
])('refuses %s, naming it', async (_, code, message, damage) => {
  const folder = copyOfTiny()
  damage(folder)
  await expect(open(folder)).rejects.toMatchObject({ code, message: expect.stringMatching(message) as unknown })
})

test('weights in shards and fp16 variants are found', async () => {
  const folder = copyOfTiny()
  renameSync(
    join(folder, 'unet/diffusion_pytorch_model.safetensors'),
    join(folder, 'unet/diffusion_pytorch_model.fp16.safetensors'),
  )
  renameSync(join(folder, 'vae/diffusion_pytorch_model.safetensors'), join(folder, 'vae/part-1.safetensors'))
  writeFileSync(
    join(folder, 'vae/diffusion_pytorch_model.safetensors.index.json'),
    JSON.stringify({ weight_map: { 'encoder.conv_in.weight': 'part-1.safetensors' } }),
  )
  const model = await open(folder)
  expect(await model.encode({ width: 16, height: 16, data: new Float32Array(768) })).toHaveLength(16)
})

function edit(file: string, change: Record<string, unknown>): void {
  const config = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
  writeFileSync(file, JSON.stringify({ ...config, ...change }))
}
