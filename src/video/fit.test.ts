import { assert, constantFrom, integer, property } from 'fast-check'
import { expect, test } from 'vitest'
import { memorySource } from '../../test/media/memory-source.ts'
import { fitSize, fitted } from './fit.ts'
import { testFrameSource } from './frame-source.contract.ts'

const times = Array.from({ length: 7 }, (_, k) => 1 + k / 10)

testFrameSource('a fitted source', () =>
  Promise.resolve({ source: fitted(memorySource(times, 10, 12, 8), { width: 5, height: 9 }), count: 7 }),
)

test.each(['cover', 'contain', 'fill'] as const)('%s gives the asked size and keeps the times', async (fit) => {
  const source = fitted(memorySource(times, 10, 20, 10), { width: 8, height: 8, fit })
  expect([source.info.width, source.info.height]).toEqual([8, 8])
  const seen: number[] = []
  for await (const { time, image } of source.frames()) {
    expect([image.width, image.height, image.data.length]).toEqual([8, 8, 192])
    seen.push(time)
  }
  expect(seen).toEqual(times)
})

test('refuses sides that are no positive whole numbers', () => {
  expect(() => fitted(memorySource(times, 10), { width: 0, height: 8 })).toThrow(RangeError)
  expect(() => fitted(memorySource(times, 10), { width: 8.5, height: 8 })).toThrow(RangeError)
})

test.each([
  ['1280x720 at 512x512 pixels, eighths', 1280, 720, 512 * 512, 8, 680, 384],
  ['1920x1080 at 768x512 pixels, 64ths', 1920, 1080, 768 * 512, 64, 832, 448],
  ['portrait', 720, 1280, 512 * 512, 8, 384, 680],
  ['square', 1000, 1000, 512 * 512, 64, 512, 512],
  ['a small source is not enlarged', 64, 48, 512 * 512, 8, 64, 48],
  ['but rounded up to the multiple at most', 63, 47, 512 * 512, 8, 64, 48],
  ['a tiny source has one multiple', 3, 2, 512 * 512, 64, 64, 64],
])('fitSize: %s', (_, width, height, area, multiple, outWidth, outHeight) => {
  expect(fitSize({ width, height }, area, multiple)).toEqual({ width: outWidth, height: outHeight })
})

test('fitSize: sides are multiples, never above the rounded source, and the shape is near where there is room', () => {
  assert(
    property(
      integer({ min: 1, max: 4000 }),
      integer({ min: 1, max: 4000 }),
      integer({ min: 64 * 64, max: 1024 * 1024 }),
      constantFrom(1, 8, 16, 64),
      (width, height, area, multiple) => {
        const size = fitSize({ width, height }, area, multiple)
        expect(size.width % multiple).toBe(0)
        expect(size.height % multiple).toBe(0)
        expect(size.width).toBeGreaterThan(0)
        expect(size.height).toBeGreaterThan(0)
        expect(size.width).toBeLessThan(width + multiple)
        expect(size.height).toBeLessThan(height + multiple)
        const shortest = Math.min(size.width, size.height)
        if (shortest >= 4 * multiple) {
          expect(Math.abs(Math.log(size.width / size.height / (width / height)))).toBeLessThan((1.01 * multiple) / shortest)
          expect(Math.abs(Math.log((size.width * size.height) / Math.min(area, width * height)))).toBeLessThan(
            (2.5 * multiple) / shortest,
          )
        }
      },
    ),
    { numRuns: 500 },
  )
  expect(() => fitSize({ width: 4, height: 4 }, 0, 8)).toThrow(RangeError)
})
