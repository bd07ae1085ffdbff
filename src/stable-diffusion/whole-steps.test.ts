import { expect, test } from 'vitest'
import { floatTensor } from '../onnx/tensor.ts'
import { cropped, grown } from './whole-steps.ts'

const rows = floatTensor(
  Float32Array.from({ length: 2 * 3 * 5 * 7 }, (_, i) => i),
  [2, 3, 5, 7],
)

test('sides grow to multiples by repeating the last row and column', () => {
  const { dims, data } = grown(rows, 4)
  expect(dims).toEqual([2, 3, 8, 8])
  const at = (map: number, y: number, x: number): unknown => data[(map * 8 + y) * 8 + x]
  for (const map of [0, 5]) {
    expect(at(map, 2, 3)).toBe(map * 35 + 2 * 7 + 3)
    expect(at(map, 2, 7)).toBe(map * 35 + 2 * 7 + 6)
    expect(at(map, 7, 1)).toBe(map * 35 + 4 * 7 + 1)
    expect(at(map, 7, 7)).toBe(map * 35 + 34)
  }
})

test('cropping undoes growing', () => {
  for (const step of [1, 2, 8]) expect(cropped(grown(rows, step), 5, 7)).toEqual(rows)
})
