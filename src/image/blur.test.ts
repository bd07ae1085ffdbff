import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { gaussianBlur, gaussianKernel } from './blur.ts'

test('an impulse becomes the outer product of the kernel', () => {
  const size = 15
  const data = new Float32Array(size * size)
  data[7 * size + 7] = 1
  const kernel = gaussianKernel(1)
  const blurred = gaussianBlur(data, size, size, 1, 1)
  expect(kernel.length).toBe(7)
  expect(blurred[7 * size + 7]).toBeCloseTo(kernel[3]! ** 2, 6)
  expect(blurred[6 * size + 9]).toBeCloseTo(kernel[2]! * kernel[5]!, 6)
  expect(blurred[7 * size + 11]).toBe(0)
})

test('a flat picture stays as it is, also at the edges and when the kernel is larger than the picture', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 9 }),
      fc.double({ min: 0.3, max: 5, noNaN: true }),
      (width, height, sigma) => {
        const data = Float32Array.from({ length: width * height * 3 }, (_, i) => [10, 120, 250][i % 3]!)
        const blurred = gaussianBlur(data, width, height, 3, sigma)
        for (let i = 0; i < data.length; i++) expect(blurred[i]).toBeCloseTo(data[i]!, 3)
      },
    ),
    { numRuns: 30 },
  )
})

test('repeats the edge: a step at the border keeps its value outside', () => {
  const kernel = gaussianKernel(1)
  const blurred = gaussianBlur(Float32Array.from([8, 0, 0, 0, 0, 0, 0]), 7, 1, 1, 1)
  expect(blurred[0]).toBeCloseTo(8 * (kernel[0]! + kernel[1]! + kernel[2]! + kernel[3]!), 5)
  expect(blurred[1]).toBeCloseTo(8 * (kernel[0]! + kernel[1]! + kernel[2]!), 5)
})

test('refuses data of another size', () => {
  expect(() => gaussianBlur(new Float32Array(5), 2, 2, 1, 1)).toThrow(TypeError)
  expect(() => gaussianBlur(new Float32Array(4), 2, 2, 1, -1)).toThrow(RangeError)
})
