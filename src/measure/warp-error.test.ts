import { expect, test } from 'vitest'
import type { Flow } from '../flow/flow.ts'
import { pairMotion } from './pair-motion.ts'
import { groupByKeyframeDistance, speedBins, squaredDifference, warpError, warpErrorBySpeed } from './warp-error.ts'

function rows(width: number, u: readonly number[]): Flow {
  const data = new Float32Array(width * u.length * 2)
  for (const [y, value] of u.entries()) for (let x = 0; x < width; x++) data[(y * width + x) * 2] = value
  return { width, height: u.length, data }
}

test('the difference is the mean over the channels of squares in 0..1', () => {
  const difference = squaredDifference(Float32Array.from([255, 0, 0, 10, 10, 10]), Float32Array.from([0, 0, 0, 10, 10, 61]))
  expect(difference[0]).toBeCloseTo(1 / 3, 6)
  expect(difference[1]).toBeCloseTo((51 / 255) ** 2 / 3, 6)
})

test('the error is the mean over mask and region, and 0 when nothing is left', () => {
  const motion = { ...pairMotion(rows(4, [0]), rows(4, [0])), visible: Uint8Array.from([1, 1, 0, 1]) }
  const difference = Float32Array.from([0.1, 0.3, 5, 7])
  expect(warpError(difference, motion, Uint8Array.from([1, 1, 1, 0]))).toBeCloseTo(0.2, 6)
  expect(warpError(difference, motion, new Uint8Array(4))).toBe(0)
})

test('every pixel falls into the bin of its speed, and inconsistent ones into none', () => {
  const speeds = [0.49, 0.5, 1, 1.01, 2, 4, 4.01]
  const motion = pairMotion(
    rows(2, speeds),
    rows(
      2,
      speeds.map((u) => -u),
    ),
  )
  const steady = { ...motion, consistent: motion.consistent.map((_, i) => (i === 13 ? 0 : 1)) }
  const difference = Float32Array.from({ length: 14 }, (_, i) => i)
  const sums = warpErrorBySpeed(difference, steady, new Uint8Array(14).fill(1))
  expect(sums.length).toBe(speedBins.length)
  expect(sums.map((sum) => sum.count)).toEqual([2, 4, 4, 2, 1])
  expect(sums.map((sum) => sum.total)).toEqual([1, 14, 30, 21, 12])
})

test('pairs are grouped by the frames since the last keyframe, from the first keyframe on', () => {
  expect(groupByKeyframeDistance(6, [4, 1])).toEqual([
    { distance: 0, pairs: [0, 3] },
    { distance: 1, pairs: [1, 4] },
    { distance: 2, pairs: [2, 5] },
  ])
  expect(groupByKeyframeDistance(3, [0])).toEqual([1, 2, 3].map((distance) => ({ distance, pairs: [distance - 1] })))
})
