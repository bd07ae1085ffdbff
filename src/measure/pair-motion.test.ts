import { expect, test } from 'vitest'
import type { Flow } from '../flow/flow.ts'
import { pairMotion } from './pair-motion.ts'

function flow(width: number, height: number, at: (x: number, y: number) => readonly [number, number]): Flow {
  const data = new Float32Array(width * height * 2)
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) data.set(at(x, y), (y * width + x) * 2)
  return { width, height, data }
}

const count = (mask: Uint8Array): number => mask.reduce((a, b) => a + b, 0)

test('under constant motion everything is visible, and uncovered is only what came into the frame', () => {
  const motion = pairMotion(
    flow(10, 6, () => [2, 0]),
    flow(10, 6, () => [-2, 0]),
  )
  expect(count(motion.visible)).toBe(60)
  expect(count(motion.consistent)).toBe(60)
  expect([...motion.speed]).toEqual(Array.from({ length: 60 }, () => 2))
  expect(Array.from({ length: 10 }, (_, x) => motion.uncovered[20 + x])).toEqual([1, 1, 0, 0, 0, 0, 0, 0, 0, 0])
})

test('a square that moves off hides what lies before it and uncovers what lay behind it', () => {
  const inside = (left: number) => (x: number, y: number) => x >= left && x < left + 6 && y >= 4 && y < 10
  const [before, after] = [inside(4), inside(8)]
  const motion = pairMotion(
    flow(24, 14, (x, y) => (before(x, y) ? [4, 0] : [0, 0])),
    flow(24, 14, (x, y) => (after(x, y) ? [-4, 0] : [0, 0])),
  )
  const row = (mask: Uint8Array): string => Array.from({ length: 24 }, (_, x) => mask[6 * 24 + x]).join('')
  // On t the background at 10..13 will be covered; the edge columns of the square are motion boundaries.
  expect(row(motion.consistent)).toBe('111111111100001111111111')
  expect(row(motion.visible)).toBe('111011111000001111111111')
  // On t + 1 the background at 4..7 was behind the square.
  expect(row(motion.uncovered)).toBe('000011110000000000000000')
  expect(row(motion.consistentBack)).toBe('111100001111111111111111')
})

test('the slack of the mask is half a squared pixel and a hundredth of the lengths', () => {
  const miss = (error: number) =>
    pairMotion(
      flow(4, 4, () => [10, 0]),
      flow(4, 4, () => [-10 + error, 0]),
    ).visible[5]
  // |F + wb|^2 against 0.01 (100 + (10 - e)^2) + 0.5
  expect(miss(1.49)).toBe(1)
  expect(miss(1.5)).toBe(0)
  const still = (error: number) =>
    pairMotion(
      flow(4, 4, () => [0, 0]),
      flow(4, 4, () => [error, 0]),
    ).visible[5]
  expect(still(0.7)).toBe(1)
  expect(still(0.72)).toBe(0)
})

test('the gradient for the boundary is the forward difference and 0 at the end of a row', () => {
  // u grows by 0.05 a column: 0.0025 > 0.01 u^2 + 0.002 only while u < 0.22.
  const ramp = flow(8, 1, (x) => [0.05 * x, 0])
  const back = flow(8, 1, (x) => [-0.05 * x, 0])
  expect([...pairMotion(ramp, back).visible]).toEqual([0, 0, 0, 0, 0, 1, 1, 1])
  const steep = pairMotion(
    flow(3, 1, () => [0, 0]),
    flow(3, 1, () => [0, 0]),
  )
  expect([...steep.visible]).toEqual([1, 1, 1])
})

test('refuses flows of different size', () => {
  expect(() =>
    pairMotion(
      flow(3, 3, () => [0, 0]),
      flow(4, 3, () => [0, 0]),
    ),
  ).toThrow(TypeError)
})
