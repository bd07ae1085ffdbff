import { array, assert, double, integer, property } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { blankFrame, type Frame } from './frame.ts'
import { resizeFrame, resizePlane, shrinkPlane } from './resize.ts'

const plane = (
  width: number,
  height: number,
  values: readonly number[],
): { width: number; height: number; data: Float32Array } => ({
  width,
  height,
  data: Float32Array.from(values),
})

describe('resizePlane', () => {
  // torch.nn.functional.interpolate(x, size, mode='bilinear', align_corners=False), by its formula.
  test.each([
    ['2 to 4', [0, 1], 4, [0, 0.25, 0.75, 1]],
    ['4 to 2', [0, 1, 2, 3], 2, [0.5, 2.5]],
    ['3 to 5', [0, 10, 20], 5, [0, 4, 10, 16, 20]],
    ['5 to 2, without antialiasing', [0, 0, 100, 0, 0], 2, [0, 0]],
    ['1 to 3', [7], 3, [7, 7, 7]],
  ] as const)('half-pixel centres, edges repeated: %s', (_, from, width, expected) => {
    const across = resizePlane(plane(from.length, 1, from), width, 1)
    const down = resizePlane(plane(1, from.length, from), 1, width)
    expected.forEach((value, i) => {
      expect(across.data[i]).toBeCloseTo(value, 5)
      expect(down.data[i]).toBeCloseTo(value, 5)
    })
  })

  test('a slope stays a slope between the outer centres', () => {
    const source = plane(
      8,
      6,
      Array.from({ length: 48 }, (_, i) => (i % 8) * 2 + Math.floor(i / 8) * 3),
    )
    const { data } = resizePlane(source, 16, 12)
    for (let y = 1; y < 11; y++)
      for (let x = 1; x < 15; x++) expect(data[y * 16 + x]).toBeCloseTo(((x + 0.5) / 2 - 0.5) * 2 + ((y + 0.5) / 2 - 0.5) * 3, 4)
  })
})

describe('shrinkPlane', () => {
  test('whole ratios are average pooling', () => {
    expect([...shrinkPlane(plane(4, 2, [1, 3, 5, 7, 3, 5, 7, 9]), 2, 1).data]).toEqual([3, 7])
  })

  test('parts of pixels count by their share', () => {
    const { data } = shrinkPlane(plane(3, 1, [0, 6, 12]), 2, 1)
    expect(data[0]).toBeCloseTo(2, 6)
    expect(data[1]).toBeCloseTo(10, 6)
  })

  test('keeps the mean', () => {
    assert(
      property(
        integer({ min: 1, max: 9 }),
        integer({ min: 1, max: 7 }),
        array(double({ min: -5, max: 5, noNaN: true }), { minLength: 99, maxLength: 99 }),
        (width, height, values) => {
          const source = plane(11, 9, values)
          const mean = (data: Float32Array): number => data.reduce((a, b) => a + b, 0) / data.length
          expect(mean(shrinkPlane(source, width, height).data)).toBeCloseTo(mean(source.data), 4)
        },
      ),
    )
  })
})

describe('resizeFrame', () => {
  const halves = (width: number, height: number): Frame => {
    const frame = blankFrame(width, height)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) frame.data.set(x < width / 2 ? [200, 0, 0] : [0, 0, 200], (y * width + x) * 3)
    return frame
  }
  const at = ({ width, data }: Frame, x: number, y: number): number[] => [
    ...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3),
  ]

  test('the same size is the same frame', async () => {
    const frame = halves(8, 4)
    expect(await resizeFrame(frame, 8, 4)).toBe(frame)
  })

  test('cover cuts the edges off, evenly', async () => {
    const square = await resizeFrame(halves(64, 32), 32, 32, { fit: 'cover' })
    expect([square.width, square.height, square.data.length]).toEqual([32, 32, 32 * 32 * 3])
    expect(at(square, 4, 16)).toEqual([200, 0, 0])
    expect(at(square, 27, 16)).toEqual([0, 0, 200])
  })

  test('contain adds bars above and below', async () => {
    const square = await resizeFrame(halves(64, 32), 32, 32, { fit: 'contain', background: [9, 8, 7] })
    expect(at(square, 16, 0)).toEqual([9, 8, 7])
    expect(at(square, 16, 31)).toEqual([9, 8, 7])
    expect(at(square, 2, 16)).toEqual([200, 0, 0])
    expect(at(square, 2, 8)[0]).toBeGreaterThan(150)
    expect(at(square, 2, 7)).toEqual([9, 8, 7])
  })

  test('fill stretches', async () => {
    const tall = await resizeFrame(halves(64, 32), 32, 64, { fit: 'fill' })
    for (const y of [0, 63]) {
      expect(at(tall, 2, y)).toEqual([200, 0, 0])
      expect(at(tall, 29, y)).toEqual([0, 0, 200])
    }
  })

  test('a flat colour stays exactly itself', async () => {
    const frame = blankFrame(50, 30)
    for (let i = 0; i < frame.data.length; i += 3) frame.data.set([13, 130, 240], i)
    const small = await resizeFrame(frame, 17, 11)
    for (let i = 0; i < small.data.length; i += 3) expect([...small.data.subarray(i, i + 3)]).toEqual([13, 130, 240])
  })
})
