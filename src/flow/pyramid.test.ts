import { describe, expect, it } from 'vitest'
import { border, doubleFlow, halve, levelShape, pad, type LevelShape } from './pyramid.ts'

function padded(shape: LevelShape, value: (x: number, y: number) => number): Float32Array {
  const data = new Float32Array(shape.length)
  const picture = Float32Array.from({ length: shape.width * shape.height }, (_, i) =>
    value(i % shape.width, Math.floor(i / shape.width)),
  )
  pad(picture, data, shape)
  return data
}
const at = ({ origin, stride }: LevelShape, x: number, y: number): number => origin + y * stride + x

describe('a padded picture', () => {
  it('goes on with its edges in all directions', () => {
    const shape = levelShape(5, 3)
    const data = padded(shape, (x, y) => 10 * y + x)
    for (let y = -border; y < 3 + border; y++)
      for (let x = -border; x < 5 + border; x++)
        expect(data[at(shape, x, y)]).toBe(10 * Math.min(Math.max(y, 0), 2) + Math.min(Math.max(x, 0), 4))
  })
})

describe.each([
  [16, 12],
  [17, 13],
])('a pyramid of %ix%i', (width, height) => {
  const fine = levelShape(width, height)
  const coarse = levelShape(width >> 1, height >> 1)

  it('halves a slope to the slope between the four pixels, away from the edges', () => {
    const out = new Float32Array(coarse.length)
    halve(
      padded(fine, (x, y) => 3 * x - 2 * y),
      fine,
      out,
      coarse,
      new Float32Array(fine.stride),
    )
    for (let y = 1; y < coarse.height - 1; y++)
      for (let x = 1; x < coarse.width - 1; x++)
        expect(out[at(coarse, x, y)]).toBeCloseTo(3 * (2 * x + 0.5) - 2 * (2 * y + 0.5), 4)
  })

  it('lets the finest waves vanish', () => {
    const out = new Float32Array(coarse.length)
    halve(
      padded(fine, (x) => (x % 2 === 0 ? 1 : -1)),
      fine,
      out,
      coarse,
      new Float32Array(fine.stride),
    )
    expect(out[at(coarse, 3, 3)]).toBeCloseTo(0, 6)
  })

  it('doubles flow so that a point at 2x + 0.5 has twice the motion of x', () => {
    const out = new Float32Array(fine.length)
    doubleFlow(
      padded(coarse, (x, y) => 1 + 0.25 * x - 0.5 * y),
      coarse,
      out,
      fine,
    )
    for (let y = 2; y < fine.height - 3; y++)
      for (let x = 2; x < fine.width - 3; x++)
        expect(out[at(fine, x, y)]).toBeCloseTo(2 * (1 + 0.25 * ((x - 0.5) / 2) - 0.5 * ((y - 0.5) / 2)), 5)
  })
})
