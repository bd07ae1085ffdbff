import { expect, test } from 'vitest'
import type { Flow } from '../flow/flow.ts'
import { secondDifference, staticFlicker, stillPixels } from './flicker.ts'
import { pairMotion } from './pair-motion.ts'

const flat = (pixels: number, rgb: readonly number[]): Float32Array =>
  Float32Array.from({ length: pixels * 3 }, (_, i) => rgb[i % 3]!)
const all = (pixels: number): Uint8Array => new Uint8Array(pixels).fill(1)
function moving(width: number, height: number, u: number): Flow {
  return { width, height, data: Float32Array.from({ length: width * height * 2 }, (_, i) => (i % 2 === 0 ? u : 0)) }
}

test('flicker is the population deviation over time, mean over the channels', () => {
  const frames = [flat(60, [0, 10, 5]), flat(60, [3, 10, 5]), flat(60, [6, 10, 5])]
  const sum = staticFlicker(frames, [all(60)])
  expect(sum.count).toBe(60)
  expect(sum.total / sum.count).toBeCloseTo(Math.sqrt(6) / 3, 5)
})

test('only pixels that every mask holds count, and windows with fewer than 50 of them are skipped', () => {
  const frames = [flat(80, [0, 0, 0]), flat(80, [9, 9, 9]), flat(80, [0, 0, 0])]
  const left = Uint8Array.from({ length: 80 }, (_, i) => (i < 60 ? 1 : 0))
  const right = Uint8Array.from({ length: 80 }, (_, i) => (i >= 5 ? 1 : 0))
  expect(staticFlicker(frames, [left, right]).count).toBe(55)
  expect(staticFlicker(frames, [left, Uint8Array.from({ length: 80 }, (_, i) => (i >= 11 ? 1 : 0))])).toEqual({
    total: 0,
    count: 0,
  })
})

test('still is below half a pixel', () => {
  expect(stillPixels(pairMotion(moving(2, 1, 0.49), moving(2, 1, -0.49)))[0]).toBe(1)
  expect(stillPixels(pairMotion(moving(2, 1, 0.5), moving(2, 1, -0.5)))[0]).toBe(0)
})

test('steady change has no second difference, a frame that jumps out and back has its whole height', () => {
  const still = pairMotion(moving(4, 4, 0), moving(4, 4, 0))
  const ramp = secondDifference(flat(16, [10, 20, 30]), flat(16, [20, 30, 40]), flat(16, [30, 40, 50]), still, still, all(16))
  expect(ramp).toEqual({ total: 0, count: 16 })
  const jump = secondDifference(flat(16, [10, 20, 30]), flat(16, [22, 32, 42]), flat(16, [10, 20, 30]), still, still, all(16))
  expect(jump.total / jump.count).toBeCloseTo(12, 5)
})

test('the second difference follows the motion to both sides', () => {
  const picture = (shift: number): Float32Array =>
    Float32Array.from({ length: 20 * 3 }, (_, i) => 10 * ((Math.floor(i / 3) - shift + 40) % 7))
  const right = pairMotion(moving(20, 1, 2), moving(20, 1, -2))
  const inner = Uint8Array.from({ length: 20 }, (_, x) => (x >= 2 && x < 18 ? 1 : 0))
  expect(secondDifference(picture(0), picture(2), picture(4), right, right, inner)).toEqual({ total: 0, count: 16 })
  expect(secondDifference(picture(0), picture(1), picture(4), right, right, inner).total).toBeGreaterThan(100)
})
