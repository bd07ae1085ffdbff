import { expect, it } from 'vitest'
import { createRaster, rasterize, sharesAt } from './rasterizer.ts'

/** Draws triangles given as corners (x, y, nearness) and returns the raster. */
function draw(corners: readonly number[], oneSided = 0): { triangle: Int32Array; nearness: Float32Array } {
  const count = corners.length / 9
  const raster = createRaster(8, 8)
  const indices = Uint32Array.from({ length: count * 3 }, (_, i) => i)
  rasterize(raster, Float64Array.from(corners), indices, new Uint8Array(count).fill(oneSided), count)
  return raster
}

const far = [0, 0, 0.5, 0, 7, 0.5, 7, 0, 0.5]
const near = [0, 0, 1, 0, 3, 1, 3, 0, 1]

it('shows the nearer triangle, whatever the order', () => {
  for (const [corners, expected] of [
    [[...far, ...near], 1],
    [[...near, ...far], 0],
  ] as const) {
    const { triangle, nearness } = draw(corners)
    expect(triangle[1 * 8 + 1]).toBe(expected)
    expect(nearness[1 * 8 + 1]).toBe(1)
    expect(triangle[1 * 8 + 5]).toBe(1 - expected)
    expect(triangle[7 * 8 + 7]).toBe(-1)
  }
})

it('covers the samples inside and on the edge, and each once between neighbours', () => {
  const square = [...far, 7, 0, 0.5, 0, 7, 0.5, 7, 7, 0.5]
  expect(draw(square).triangle.every((t) => t >= 0)).toBe(true)
  expect(draw(far).triangle.filter((t) => t === 0).length).toBe(36)
})

it('leaves out triangles that turn their back, unless they have two sides, and what is behind the view', () => {
  const turned = [0, 0, 0.5, 7, 0, 0.5, 0, 7, 0.5]
  expect(draw(far, 1).triangle[9]).toBe(0)
  expect(draw(turned, 1).triangle[9]).toBe(-1)
  expect(draw(turned, 0).triangle[9]).toBe(0)
  expect(draw([0, 0, -1, 0, 7, 0.5, 7, 0, 0.5]).triangle.every((t) => t === -1)).toBe(true)
})

it('finds the point of the surface, not of the raster: half way to a corner three times as far is a quarter of the way', () => {
  // Corners at distances 1 and 3; on the raster's middle between them the surface point has weights 3/4 and 1/4.
  const shares = new Float64Array(3)
  sharesAt(Float64Array.from([0, 0, 1, 4, 0, 1 / 3, 0, 4, 1]), Uint32Array.from([0, 1, 2]), 0, 2, 0, shares)
  expect(shares[0]).toBeCloseTo(0.75, 12)
  expect(shares[1]).toBeCloseTo(0.25, 12)
  expect(shares[2]).toBeCloseTo(0, 12)
})
