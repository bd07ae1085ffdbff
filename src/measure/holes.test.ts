import { expect, test } from 'vitest'
import type { Flow } from '../flow/flow.ts'
import { ageUncovered, holeQuality, holeSums } from './holes.ts'
import { followingSum, motionFollowing } from './motion-following.ts'
import { pairMotion } from './pair-motion.ts'

const constant = (width: number, height: number, u: number): Flow => ({
  width,
  height,
  data: Float32Array.from({ length: width * height * 2 }, (_, i) => (i % 2 === 0 ? u : 0)),
})

test('what came into view ages frame by frame and moves with the picture', () => {
  const motion = pairMotion(constant(16, 6, 3), constant(16, 6, -3))
  const once = ageUncovered(undefined, motion)
  expect([...once.subarray(32, 48)]).toEqual([0, 0, 0, ...Array.from({ length: 13 }, () => Infinity)])
  const still = pairMotion(constant(16, 6, 0), constant(16, 6, 0))
  const later = ageUncovered(ageUncovered(once, motion), still)
  expect([...later.subarray(32, 42)]).toEqual([1, 1, 1, 2, 2, 2, Infinity, Infinity, Infinity, Infinity])
})

test('single pixels of bad flow are no holes', () => {
  const motion = pairMotion(constant(12, 12, 0), constant(12, 12, 0))
  const specks = { ...motion, uncovered: motion.uncovered.map((_, i) => (i % 5 === 0 ? 1 : 0)) }
  expect(ageUncovered(undefined, specks).some((age) => age === 0)).toBe(false)
})

test('equal pictures have an error of 1, and a fault in the holes alone raises it', () => {
  const [width, height] = [40, 30]
  const age = Float32Array.from({ length: width * height }, (_, i) => (i % width < 10 ? 0 : Infinity))
  const look = (add: (x: number) => number) => {
    const gray = Float32Array.from({ length: width * height }, (_, i) => 100 + ((i * 37) % 23) + add(i % width))
    return { gray, rgb: Float32Array.from({ length: 3 * width * height }, (_, i) => gray[Math.floor(i / 3)]!) }
  }
  const redraw = look(() => 0)
  const of = (frame: typeof redraw) => holeQuality([holeSums(frame, redraw, age, width, height)], width * height)!
  expect(of(redraw)).toMatchObject({ inside: 0, around: 0, error: 1, sharpness: 1, share: 0.25 })
  const wrong = of(look((x) => (x < 10 ? 40 : 0)))
  expect(wrong.inside).toBeGreaterThan(35)
  expect(wrong.error).toBeGreaterThan(5)
  expect(of(look(() => 40)).error).toBeCloseTo(1, 3)
})

test('with hardly anything uncovered nothing is said', () => {
  const look = { gray: new Float32Array(400), rgb: new Float32Array(1200) }
  expect(holeQuality([holeSums(look, look, new Float32Array(400).fill(Infinity), 20, 20)], 400)).toBeNull()
})

test('following is 1 along the motion, 0 in place, half for pictures that have nothing to do with each other', () => {
  const [width, height] = [60, 4]
  const picture = (seed: number, shift: number): Float32Array =>
    Float32Array.from({ length: width * height * 3 }, (_, i) => {
      const x = Math.floor((i % (width * 3)) / 3) - shift
      return 128 + 100 * Math.sin(seed + 12.9898 * x * x)
    })
  const motion = pairMotion(constant(width, height, 4), constant(width, height, -4))
  const inner = Uint8Array.from({ length: width * height }, (_, i) => (i % width < width - 4 ? 1 : 0))
  const of = (frame: Float32Array, next: Float32Array): number => {
    const warped = Float32Array.from(next, (_, i) => next[Math.min(i + 12, next.length - 1)]!)
    const sum = followingSum(motionFollowing(frame, next, warped, motion, inner))
    return sum.total / sum.count
  }
  expect(of(picture(0, 0), picture(0, 4))).toBeCloseTo(1, 6)
  expect(of(picture(0, 0), picture(0, 0))).toBe(0)
  expect(of(picture(0, 0), picture(5, 1))).toBeCloseTo(0.5, 0)
  const still = pairMotion(constant(width, height, 1), constant(width, height, -1))
  expect(followingSum(motionFollowing(picture(0, 0), picture(1, 0), picture(1, 0), still, inner))).toEqual({ total: 0, count: 0 })
})
