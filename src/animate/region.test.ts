import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Plane } from '../image/frame.ts'
import { cropLatent, pastePicture, regionsToPaint } from './region.ts'

function coverage(
  width: number,
  height: number,
  holes: readonly (readonly [x: number, y: number, w: number, h: number])[],
): Plane {
  const data = new Float32Array(width * height).fill(1)
  for (const [x, y, w, h] of holes) for (let j = y; j < y + h; j++) data.fill(0, j * width + x, j * width + x + w)
  return { width, height, data }
}

const options = { cell: 4, margin: 2, least: 0.002 }

test('nothing is painted where all is kept, and a hole too small is left alone', () => {
  expect(regionsToPaint(coverage(64, 48, []), options)).toEqual([])
  expect(regionsToPaint(coverage(64, 48, [[5, 5, 2, 2]]), options)).toEqual([])
  expect(regionsToPaint(coverage(64, 48, [[4, 4, 4, 4]]), options)).toHaveLength(1)
})

test('every hole lies in a region with its margin, regions are multiples of four cells and do not overlap', () => {
  const hole = fc.record({ x: fc.nat(70), y: fc.nat(50), w: fc.integer({ min: 4, max: 20 }), h: fc.integer({ min: 4, max: 12 }) })
  fc.assert(
    fc.property(fc.array(hole, { minLength: 1, maxLength: 5 }), (holes) => {
      const plane = coverage(
        96,
        64,
        holes.map(({ x, y, w, h }) => [x, y, w, h]),
      )
      const regions = regionsToPaint(plane, { ...options, least: 0 })
      for (const { x, y, width, height } of regions) {
        expect([width % 4, height % 4]).toEqual([0, 0])
        expect(x >= 0 && y >= 0 && x + width <= 24 && y + height <= 16).toBe(true)
      }
      for (const { x, y, w, h } of holes) {
        const [left, top] = [Math.ceil(x / 4), Math.ceil(y / 4)]
        const [right, bottom] = [Math.floor((x + w) / 4), Math.floor((y + h) / 4)]
        if (right <= left || bottom <= top) continue
        const holds = regions.some(
          (one) =>
            one.x <= Math.max(0, left - 2) &&
            one.y <= Math.max(0, top - 2) &&
            one.x + one.width >= Math.min(24, right + 2) &&
            one.y + one.height >= Math.min(16, bottom + 2),
        )
        expect(holds).toBe(true)
      }
      for (const [n, a] of regions.entries())
        for (const b of regions.slice(n + 1))
          expect(a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y).toBe(true)
    }),
  )
})

test('holes far apart are painted apart', () => {
  const two = regionsToPaint(
    coverage(192, 96, [
      [8, 8, 8, 8],
      [160, 70, 8, 8],
    ]),
    options,
  )
  expect(two).toHaveLength(2)
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
