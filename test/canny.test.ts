import { expect, test } from 'vitest'
import { movingScene } from './scenes/moving-scene.ts'
import { luma } from '../src/image/color.ts'
import { loadOpenCv } from '../src/flow/opencv.ts'
import { canny } from '../src/image/canny.ts'

const size = 24
const step = (right: (y: number) => number): Float32Array =>
  Float32Array.from({ length: size * size }, (_, i) => (i % size < 12 ? 50 : right(Math.floor(i / size))))

test('a step is one line from border to border', () => {
  const edges = canny(
    step(() => 100),
    size,
    size,
  )
  for (let y = 0; y < size; y++) expect(edges.subarray(y * size, (y + 1) * size).reduce((a, b) => a + b, 0)).toBe(1)
})

test('a weak edge stays only where it touches a strong one', () => {
  // A step of 15 has a gradient of 60: between the thresholds.
  expect(
    canny(
      step(() => 65),
      size,
      size,
    ).some((edge) => edge === 1),
  ).toBe(false)
  const partly = canny(
    step((y) => (y < 5 ? 100 : 65)),
    size,
    size,
  )
  expect(partly[20 * size + 11]! + partly[20 * size + 12]!).toBe(1)
})

test('is what OpenCV draws', async () => {
  const cv = (await loadOpenCv()) as unknown as {
    Mat: new (...size: number[]) => { readonly data: Uint8Array; delete(): void }
    CV_8UC1: number
    Canny(from: unknown, to: unknown, low: number, high: number, aperture: number, l2: boolean): void
  }
  const { source, steady, width, height } = movingScene(2, 150, 110)
  for (const frame of [source[0]!, steady[1]!]) {
    const gray = luma(frame.data).map((value) => Math.round(value))
    const from = new cv.Mat(height, width, cv.CV_8UC1)
    const to = new cv.Mat()
    from.data.set(gray)
    cv.Canny(from, to, 40, 100, 3, false)
    const theirs = to.data.map((value) => (value > 0 ? 1 : 0))
    expect(theirs.reduce((a, b) => a + b, 0)).toBeGreaterThan(500)
    expect(canny(gray, width, height)).toEqual(theirs)
    from.delete()
    to.delete()
  }
})
