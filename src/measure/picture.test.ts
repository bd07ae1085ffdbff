import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { Random } from '../random.ts'
import { gaussianBlur } from '../image/blur.ts'
import { colorOffset, frameColor, jitter, meanDeltaE } from './color.ts'
import { edgeAgreement } from './edges.ts'
import { dilate, erode, regionMask } from './region.ts'
import { laplacian, sharpness } from './sharpness.ts'
import { ssim } from './structure.ts'

const size = 24
const all = new Uint8Array(size * size).fill(1)
const texture = (seed: number): Float32Array =>
  gaussianBlur(
    new Random(seed).normals(size * size).map((v) => 128 + 60 * v),
    size,
    size,
    1,
    1,
  )

test('the Laplacian of a single bright pixel is its stencil', () => {
  const gray = new Float32Array(25)
  gray[12] = 1
  expect([...laplacian(gray, 5, 5)]).toEqual([0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, -4, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0])
})

test('sharpness is the variance of the Laplacian where it counts', () => {
  const gray = new Float32Array(25)
  gray[12] = 10
  const { laplacian: variance } = sharpness(gray, 5, 5, new Uint8Array(25).fill(1), new Uint8Array(25).fill(1))
  expect(variance).toBeCloseTo((1600 + 4 * 100) / 25, 4)
  const corner = Uint8Array.from({ length: 25 }, (_, i) => (i < 5 ? 1 : 0))
  expect(sharpness(gray, 5, 5, corner, corner).laplacian).toBe(0)
})

test('blur lowers sharpness and every band, a gain of 2 makes them 4 times as strong', () => {
  const gray = texture(1)
  const of = (data: Float32Array) => sharpness(data, size, size, all, all)
  const [plain, blurred, strong] = [of(gray), of(gaussianBlur(gray, size, size, 1, 1)), of(gray.map((v) => 2 * v))]
  expect(blurred.laplacian).toBeLessThan(0.5 * plain.laplacian)
  expect(blurred.fine).toBeLessThan(plain.fine)
  expect(blurred.middle).toBeLessThan(plain.middle)
  expect(strong.laplacian / plain.laplacian).toBeCloseTo(4, 3)
  expect(strong.fine / plain.fine).toBeCloseTo(4, 3)
})

test('colour is the mean over the region; chroma is the mean length, not the length of the mean', () => {
  const lab = Float32Array.from([50, 3, 4, 60, -3, -4, 10, 99, 99])
  const color = frameColor(lab, Uint8Array.from([1, 1, 0]))
  expect(color).toEqual({ L: 55, a: 0, b: 0, chroma: 5 })
  expect(colorOffset(color, { L: 52, a: 4, b: 0, chroma: 0 })).toBe(5)
  expect(jitter(color, { ...color, L: 54 })).toBe(1)
  expect(meanDeltaE(lab, Float32Array.from([50, 0, 0, 60, -3, -4, 0, 0, 0]), Uint8Array.from([1, 1, 0]))).toBe(2.5)
})

test('edges within 2 px count as found, 3 px do not', () => {
  const line = (x: number): Uint8Array => Uint8Array.from({ length: size * size }, (_, i) => (i % size === x ? 1 : 0))
  expect(edgeAgreement(line(10), line(12), size, size).recall).toEqual({ total: size, count: size })
  expect(edgeAgreement(line(10), line(13), size, size).recall).toEqual({ total: 0, count: size })
  const more = line(10).map((edge, i) => edge | line(20)[i]!)
  const agreement = edgeAgreement(more, line(10), size, size)
  expect(agreement.recall.total / agreement.recall.count).toBe(1)
  expect(agreement.precision.total / agreement.precision.count).toBe(0.5)
})

test('dilating spreads a square, eroding is the same of the rest, and the border does not erode', () => {
  const dot = new Uint8Array(49)
  dot[24] = 1
  expect(dilate(dot, 7, 7, 2).reduce((a, b) => a + b, 0)).toBe(25)
  expect(erode(dilate(dot, 7, 7, 2), 7, 7, 2)).toEqual(dot)
  expect(erode(new Uint8Array(49).fill(1), 7, 7, 2)).toEqual(new Uint8Array(49).fill(1))
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 30, maxLength: 30, max: 1 }), fc.integer({ min: 0, max: 3 }), (mask, radius) => {
      const opposite = (of: Uint8Array): Uint8Array => of.map((v) => 1 - v)
      expect(erode(mask, 6, 5, radius)).toEqual(opposite(dilate(opposite(mask), 6, 5, radius)))
    }),
  )
})

test('the figure is what is brighter than 12, with small gaps closed', () => {
  const gray = new Float32Array(20 * 20)
  for (let y = 5; y < 15; y++) for (let x = 5; x < 15; x++) gray[y * 20 + x] = x === 9 ? 5 : 40
  const mask = regionMask('figure', gray, 20, 20)
  expect(mask.reduce((a, b) => a + b, 0)).toBe(100)
  expect(regionMask('whole', gray, 20, 20).reduce((a, b) => a + b, 0)).toBe(400)
})

test('SSIM is 1 for equal pictures, the contrast formula for a flat shift, and low for unrelated ones', () => {
  const gray = texture(2)
  expect(ssim(gray, gray, size, size, all)).toBeCloseTo(1, 6)
  const [a, b, c1] = [100, 120, (0.01 * 255) ** 2]
  const flat = (value: number): Float32Array => new Float32Array(size * size).fill(value)
  expect(ssim(flat(a), flat(b), size, size, all)).toBeCloseTo((2 * a * b + c1) / (a * a + b * b + c1), 4)
  expect(ssim(gray, texture(3), size, size, all)).toBeLessThan(0.3)
  expect(
    ssim(
      gray,
      gray.map((v) => 255 - v),
      size,
      size,
      all,
    ),
  ).toBeLessThan(0)
})
