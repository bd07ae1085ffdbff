import { assert, integer, property } from 'fast-check'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { maxDifference } from '../../test/safetensors.ts'
import '../../test/session-host.ts'
import type { FloatImage } from '../image/frame.ts'
import { Random } from '../random.ts'
import type { DiffusionModel } from './diffusion-model.ts'
import { openModel } from './open-model.ts'
import { inTiles, spansOf } from './vae-tiles.ts'

test('spans cover a side, overlap, and their weights add up to 1 everywhere', () => {
  assert(
    property(integer({ min: 1, max: 700 }), integer({ min: 24, max: 200 }), (length, most) => {
      const sums = new Float64Array(length)
      for (const { start, length: cells, weights } of spansOf(length, most)) {
        expect(start).toBeGreaterThanOrEqual(0)
        expect(start + cells).toBeLessThanOrEqual(length)
        expect(cells).toBeLessThanOrEqual(most)
        expect(Math.min(...weights)).toBeGreaterThanOrEqual(0)
        for (const [i, weight] of weights.entries()) sums[start + i]! += weight
      }
      expect(Math.max(...sums.map((sum) => Math.abs(sum - 1)))).toBeLessThan(1e-5)
    }),
  )
})

/** An autoencoder that copies: cells are the means of 4x4 pixels' red, pixels the cells. */
const copying = {
  encode: (image: { width: number; height: number; data: Uint8Array | Float32Array }) => {
    const [width, height] = [image.width / 4, image.height / 4]
    return Promise.resolve(
      Float32Array.from(
        { length: width * height },
        (_, i) => image.data[3 * (4 * Math.floor(i / width) * image.width + 4 * (i % width))]!,
      ),
    )
  },
  decode: (latent: Float32Array, { width, height }: { width: number; height: number }) =>
    Promise.resolve({
      width: 4 * width,
      height: 4 * height,
      data: Float32Array.from({ length: 48 * width * height }, (_, i) => {
        const pixel = Math.floor(i / 3)
        return latent[Math.floor(pixel / (16 * width)) * width + Math.floor((pixel % (4 * width)) / 4)]!
      }),
    }),
}

test('a picture of any shape comes back from tiles as it comes back whole', async () => {
  for (const [width, height] of [
    [300, 300],
    [600, 260],
    [256, 560],
    [64, 64],
  ].map((sides) => sides.map((side) => 4 * Math.floor(side / 4))) as [number, number][]) {
    const image = { width, height, data: Float32Array.from({ length: 3 * width * height }, (_, i) => Math.sin(i) / 2 + 0.5) }
    const shape = { channels: 1, width: width / 4, height: height / 4 }
    const latent = await copying.encode(image)
    const tiled = inTiles(copying, { channels: 1, scale: 4, tile: 256 })
    expect(maxDifference(await tiled.encode(image), latent)).toBeLessThan(1e-5)
    const decoded = await tiled.decode(latent, shape)
    expect(decoded).toMatchObject({ width, height })
    expect(maxDifference(decoded.data, (await copying.decode(latent, shape)).data)).toBeLessThan(1e-5)
  }
})

test('without a size only large pictures are tiled, with 0 none; sizes that are all overlap are refused', async () => {
  const sizes: number[] = []
  const counting = {
    ...copying,
    encode: (image: FloatImage) => (sizes.push(image.width), copying.encode(image)),
  } as typeof copying
  const blank = (width: number, height: number): FloatImage => ({ width, height, data: new Float32Array(3 * width * height) })
  await inTiles(counting, { channels: 1, scale: 4, tile: undefined }).encode(blank(1152, 1152))
  expect(sizes.splice(0)).toEqual([1152])
  await inTiles(counting, { channels: 1, scale: 4, tile: undefined }).encode(blank(1280, 1152))
  expect(sizes.splice(0)).toEqual([768, 768, 768, 768])
  await inTiles(counting, { channels: 1, scale: 4, tile: 0 }).encode(blank(1280, 1152))
  expect(sizes.splice(0)).toEqual([1280])
  expect(() => inTiles(copying, { channels: 1, scale: 4, tile: 100 })).toThrow(RangeError)
})

const models: DiffusionModel[] = []
afterAll(() => Promise.all(models.map((model) => model.close())))

/** A landscape of gradients, discs with hard edges, and a little texture. */
function picture(width: number, height: number): FloatImage {
  const random = new Random(5)
  const discs = Array.from({ length: 40 }, () => ({
    x: random.uniform() * width,
    y: random.uniform() * height,
    radius: 8 + random.uniform() * 70,
    color: [random.uniform(), random.uniform(), random.uniform()],
  }))
  const data = new Float32Array(3 * width * height)
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const disc = discs.findLast((one) => Math.hypot(x - one.x, y - one.y) < one.radius)
      const grain = 0.03 * Math.sin(x * 0.9) * Math.sin(y * 1.3)
      for (let c = 0; c < 3; c++)
        data[at++] = Math.min(1, Math.max(0, (disc?.color[c] ?? 0.3 + (0.5 * y) / height + (0.2 * (c - 1) * x) / width) + grain))
    }
  return { width, height, data }
}

interface Seams {
  /** Largest and root mean square difference between tiled and whole, 0..1. */
  readonly worst: number
  readonly rms: number
  /** Mean step of that difference from a pixel to the next where tiles fade into each other, over that elsewhere. */
  readonly visibility: number
}
function seamsOf(whole: FloatImage, tiled: FloatImage, scale: number, tile: number): Seams {
  const { width, height } = whole
  const columns = new Uint8Array(width)
  const spans = spansOf(width / scale, tile / scale)
  for (const { start, weights } of spans)
    for (const [i, weight] of weights.entries())
      if (weight > 0 && weight < 1) columns.fill(1, (start + i) * scale, (start + i + 1) * scale)
  const difference = whole.data.map((value, i) => tiled.data[i]! - value)
  const steps = [0, 0]
  const counts = [0, 0]
  let [worst, sum] = [0, 0]
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width - 1; x++)
      for (let c = 0; c < 3; c++) {
        const at = 3 * (y * width + x) + c
        worst = Math.max(worst, Math.abs(difference[at]!))
        sum += difference[at]! ** 2
        const kind = columns[x]!
        steps[kind]! += Math.abs(difference[at + 3]! - difference[at]!)
        counts[kind]!++
      }
  return { worst, rms: Math.sqrt(sum / difference.length), visibility: steps[1]! / counts[1]! / (steps[0]! / counts[0]! + 1e-9) }
}

test.each([
  ['the embedded model', '../../assets/mini-sd', true],
  ['an AutoencoderKL with group norms over the whole tile', '../../test/goldens/tiny-sd15', false],
] as const)('%s: where tiles meet nothing steps that does not step elsewhere, too', async (_, place, exact) => {
  const folder = fileURLToPath(new URL(place, import.meta.url))
  const [whole, tiled] = (await Promise.all([0, 256].map((vaeTile) => openModel(folder, { vaeTile })))) as [
    DiffusionModel,
    DiffusionModel,
  ]
  models.push(whole, tiled)
  const { scale, latentChannels: channels } = whole
  const [width, height] = [448, 320]
  const shape = { channels, width: width / scale, height: height / scale }
  const source = picture(width, height)
  const latent = await whole.encode(source)
  const parts = await tiled.encode(source)
  const rms = (values: Float32Array): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length)
  const encoded = rms(latent.map((value, i) => value - parts[i]!)) / rms(latent)
  const decoded = seamsOf(await whole.decode(latent, shape), await tiled.decode(latent, shape), scale, 256)
  // The norms of an AutoencoderKL see one tile each: its tones may differ from the whole's, but fade into its neighbours'.
  expect(encoded).toBeLessThan(exact ? 1e-4 : 0.5)
  if (exact) expect(decoded.worst).toBeLessThan(1 / 255)
  else expect(decoded.visibility).toBeLessThan(1)
})
