import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Plane } from '../image/frame.ts'
import { cropLatent, pastePicture, regionToPaint } from './region.ts'

function coverage(
  width: number,
  height: number,
  holes: readonly (readonly [x: number, y: number, w: number, h: number])[],
): Plane {
  const data = new Float32Array(width * height).fill(1)
  for (const [x, y, w, h] of holes) for (let j = y; j < y + h; j++) data.fill(0, j * width + x, j * width + x + w)
  return { width, height, data }
}

test('nothing is painted where all is kept, or where hardly anything is missing', () => {
  expect(regionToPaint(coverage(64, 48, []), 4, 2, 0.002)).toBeUndefined()
  expect(regionToPaint(coverage(64, 48, [[5, 5, 2, 2]]), 4, 2, 0.002)).toBeUndefined()
})

test('the region holds every hole and its margin, in multiples of four cells where the picture is large enough', () => {
  const hole = fc.record({ x: fc.nat(40), y: fc.nat(30), w: fc.integer({ min: 3, max: 20 }), h: fc.integer({ min: 3, max: 15 }) })
  fc.assert(
    fc.property(fc.array(hole, { minLength: 1, maxLength: 3 }), (holes) => {
      const region = regionToPaint(
        coverage(
          64,
          48,
          holes.map(({ x, y, w, h }) => [x, y, w, h]),
        ),
        4,
        2,
        0.0005,
      )!
      expect(region.width % 4).toBe(0)
      expect(region.height % 4).toBe(0)
      expect(region.x).toBeGreaterThanOrEqual(0)
      expect(region.y).toBeGreaterThanOrEqual(0)
      expect(region.x + region.width).toBeLessThanOrEqual(16)
      expect(region.y + region.height).toBeLessThanOrEqual(12)
      for (const { x, y, w, h } of holes) {
        expect(region.x).toBeLessThanOrEqual(Math.max(0, Math.floor(x / 4) - 2))
        expect(region.y).toBeLessThanOrEqual(Math.max(0, Math.floor(y / 4) - 2))
        expect(region.x + region.width).toBeGreaterThanOrEqual(Math.min(16, Math.floor((x + w - 1) / 4) + 3))
        expect(region.y + region.height).toBeGreaterThanOrEqual(Math.min(12, Math.floor((y + h - 1) / 4) + 3))
      }
    }),
  )
})

test('a crop of a latent is the same cells of every channel', () => {
  const shape = { channels: 2, height: 3, width: 4 }
  const latent = Float32Array.from({ length: 24 }, (_, i) => i)
  expect([...cropLatent(latent, shape, { x: 1, y: 1, width: 2, height: 2 })]).toEqual([5, 6, 9, 10, 17, 18, 21, 22])
})

test('pasting changes the part and nothing else', () => {
  const whole = { width: 3, height: 2, data: new Float32Array(18) }
  const pasted = pastePicture(whole, { width: 2, height: 1, data: new Float32Array(6).fill(1) }, 1, 1)
  expect([...pasted.data]).toEqual(Array.from({ length: 18 }, (_, i) => (i < 12 ? 0 : 1)))
  expect(whole.data.every((value) => value === 0)).toBe(true)
})
