import { expect, test } from 'vitest'
import { luma, rgbToLab } from './color.ts'

test.each([
  ['white', [255, 255, 255], [100, 0, 0]],
  ['black', [0, 0, 0], [0, 0, 0]],
  ['red', [255, 0, 0], [53.24, 80.09, 67.2]],
  ['green', [0, 255, 0], [87.73, -86.18, 83.18]],
  ['blue', [0, 0, 255], [32.3, 79.19, -107.86]],
  ['a dark grey on the straight part of the curve', [10, 10, 10], [2.74, 0, 0]],
])('sRGB %s has its known place in Lab', (_, rgb, lab) => {
  const got = rgbToLab(Uint8Array.from(rgb))
  for (let c = 0; c < 3; c++) expect(Math.abs(got[c]! - lab[c]!)).toBeLessThan(0.03)
})

test('luma weighs the channels as Rec. 601 does', () => {
  expect([...luma(Uint8Array.from([100, 0, 0, 0, 100, 0, 0, 0, 100]))].map((v) => Math.round(v * 10))).toEqual([299, 587, 114])
})
