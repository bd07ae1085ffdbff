import { expect, test } from 'vitest'
import type { Way } from '../flow/way.ts'
import type { FloatImage, Plane } from '../image/frame.ts'
import { eroded, joinPainted, predictFromAnchors } from './two-sided.ts'

const [width, height] = [24, 16]
const count = width * height

function picture(value: (x: number, y: number) => number): FloatImage {
  const data = new Float32Array(count * 3)
  for (let i = 0; i < count; i++) data.fill(value(i % width, Math.floor(i / width)), 3 * i, 3 * i + 3)
  return { width, height, data }
}
function way(u: number, v: number, trust: (x: number, y: number) => number): Pick<Way, 'flow' | 'trust'> {
  const flow = { width, height, data: Float32Array.from({ length: 2 * count }, (_, i) => (i % 2 === 0 ? u : v)) }
  return {
    flow,
    trust: { width, height, data: Float32Array.from({ length: count }, (_, i) => trust(i % width, Math.floor(i / width))) },
  }
}
const waves = picture((x, y) => 0.5 + 0.4 * Math.sin(x / 3) * Math.cos(y / 4))

test('a believed anchor that has not moved is the prediction itself, wholly kept', () => {
  const { image, coverage } = predictFromAnchors([{ image: waves, way: way(0, 0, () => 1), nearness: 1 }])
  image.data.forEach((value, i) => expect(value).toBeCloseTo(waves.data[i]!, 6))
  expect(coverage.data.every((value) => value > 0.999)).toBe(true)
})

test('pictures come from where the tracks lead', () => {
  const { image } = predictFromAnchors([{ image: waves, way: way(3, -2, () => 1), nearness: 1 }])
  expect(image.data[3 * (8 * width + 10)]).toBeCloseTo(waves.data[3 * (6 * width + 13)]!, 5)
})

test('where both are believed the nearer one counts more; where one is, it alone', () => {
  const [dark, light] = [picture(() => 0), picture(() => 1)]
  const left = (x: number): number => (x < width / 2 ? 1 : 0)
  const { image } = predictFromAnchors([
    { image: dark, way: way(0, 0, () => 1), nearness: 0.75 },
    { image: light, way: way(0, 0, left), nearness: 0.25 },
  ])
  expect(image.data[3 * (8 * width + 3)]).toBeCloseTo(0.25, 2)
  expect(image.data[3 * (8 * width + 20)]).toBeCloseTo(0, 2)
})

test('what nobody is believed about is to be painted, with the edge of what is kept drawn in', () => {
  const hole = (x: number): number => (x < 12 ? 0.1 : 1)
  const { coverage } = predictFromAnchors([{ image: waves, way: way(0, 0, hole), nearness: 1 }])
  const row = coverage.data.subarray(8 * width, 9 * width)
  expect(Math.max(...row.subarray(0, 12))).toBe(0)
  expect(row[12]!).toBeLessThan(0.5)
  expect(row[20]!).toBeGreaterThan(0.99)
})

test('eroding takes the least of the neighbourhood', () => {
  const plane: Plane = { width, height, data: new Float32Array(count).fill(1) }
  plane.data[5 * width + 7] = 0
  const data = eroded(plane, 2).data
  expect(data[7 * width + 9]).toBe(0)
  expect(data[7 * width + 10]).toBe(1)
  expect(data.reduce((sum, value) => sum + value, 0)).toBe(count - 25)
})

test('joining takes each from where it is meant', () => {
  const coverage: Plane = { width, height, data: Float32Array.from({ length: count }, (_, i) => (i % width < 8 ? 1 : 0)) }
  const joined = joinPainted(
    picture(() => 0.2),
    coverage,
    picture(() => 0.8),
  )
  expect(joined.data[0]).toBeCloseTo(0.2, 6)
  expect(joined.data[3 * 20]).toBeCloseTo(0.8, 6)
})
