import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { maxDifference, readGolden } from '../../test/safetensors.ts'
import type { FloatImage, Frame } from '../image/frame.ts'
import { uniformFlow } from './constant-flow.ts'
import type { Flow } from './flow.ts'
import { warpChannels, warpFrame, warpImage, warpPlane, type WarpKernel } from './warp.ts'

const golden = readGolden('test/goldens/cv/remap.safetensors')
const kernels: readonly WarpKernel[] = ['linear', 'cubic', 'lanczos3']

function goldenCase(n: number): { image: FloatImage; flow: Flow } {
  const picture = golden(`case${n}.image`)
  const [height, width] = picture.dims as [number, number]
  return {
    image: { width, height, data: picture.data as Float32Array },
    flow: { width, height, data: golden(`case${n}.flow`).data as Float32Array },
  }
}

/** A picture of one channel whose value is `value(x, y)`. */
function plane(width: number, height: number, value: (x: number, y: number) => number): Float32Array {
  return Float32Array.from({ length: width * height }, (_, i) => value(i % width, Math.floor(i / width)))
}

describe('warp', () => {
  it.each([
    [0, 'linear'],
    [0, 'cubic'],
    [1, 'linear'],
    [1, 'cubic'],
  ] as const)('gives the numbers of OpenCV, case %i, %s', (n, kernel) => {
    const { image, flow } = goldenCase(n)
    const expected = golden(`case${n}.${kernel}`).data as Float32Array
    expect(maxDifference(warpImage(image, flow, kernel).data, expected)).toBeLessThan(1e-5)
  })

  it.each(kernels)('returns the very picture for zero flow, %s', (kernel) => {
    const { image } = goldenCase(0)
    const back = uniformFlow(image.width, image.height, 0, 0)
    expect(warpImage(image, back, kernel).data).toEqual(image.data)
  })

  it.each(kernels)('moves by whole pixels exactly and repeats the edge, %s', (kernel) => {
    const picture = { width: 9, height: 7, data: plane(9, 7, (x, y) => 10 * y + x) }
    const moved = warpPlane(picture, uniformFlow(9, 7, 2, -1), kernel)
    expect(moved.data).toEqual(plane(9, 7, (x, y) => 10 * Math.max(y - 1, 0) + Math.min(x + 2, 8)))
  })

  it.each([
    ['linear', 1e-5],
    ['cubic', 0.16],
    ['lanczos3', 0.05],
  ] as const)('keeps a ramp a ramp away from the edges, %s', (kernel, bound) => {
    // Only linear weights reproduce ramps at every fraction, the others nearly.
    const ramp = { width: 20, height: 20, data: plane(20, 20, (x, y) => 2 * x - y) }
    const out = warpPlane(ramp, uniformFlow(20, 20, 0.3, 0.6), kernel).data
    let worst = 0
    for (let y = 4; y < 15; y++)
      for (let x = 4; x < 15; x++) worst = Math.max(worst, Math.abs(out[y * 20 + x]! - (2 * (x + 0.3) - (y + 0.6))))
    expect(worst).toBeLessThan(bound)
  })

  it('keeps fine waves best with lanczos3, worst with linear', () => {
    const wave = (x: number): number => Math.sin(0.9 * x)
    const picture = { width: 64, height: 8, data: plane(64, 8, (x) => wave(x)) }
    const errors = kernels.map((kernel) => {
      const out = warpPlane(picture, uniformFlow(64, 8, 0.5, 0), kernel).data
      let sum = 0
      for (let x = 4; x < 58; x++) sum += Math.abs(out[4 * 64 + x]! - wave(x + 0.5))
      return sum / 54
    })
    expect(errors[2]).toBeLessThan(errors[1]! / 2)
    expect(errors[1]).toBeLessThan(errors[0]! / 2)
  })

  it('weighs by sinc(t) sinc(t / 3), made to add up to 1, for lanczos3', () => {
    const sinc = (t: number): number => (t === 0 ? 1 : Math.sin(Math.PI * t) / (Math.PI * t))
    // One of the 4096 positions between pixels that weights are kept for.
    const f = 1516 / 4096
    const pulse = { width: 12, height: 1, data: plane(12, 1, (x) => (x === 6 ? 1 : 0)) }
    const out = warpPlane(pulse, uniformFlow(12, 1, f, 0), 'lanczos3').data
    const weights = [2, 1, 0, -1, -2, -3].map((k) => sinc(f + k) * sinc((f + k) / 3))
    const sum = weights.reduce((a, b) => a + b)
    for (const [k, weight] of weights.entries()) expect(out[8 - k]).toBeCloseTo(weight / sum, 6)
    expect(out[2]).toBe(0)
    expect(out[9]).toBe(0)
  })

  it('treats planar and interleaved channels alike, for any number of them', () => {
    const sides = fc.integer({ min: 1, max: 9 })
    const inputs = fc.tuple(sides, sides, fc.integer({ min: 1, max: 5 }), fc.constantFrom(...kernels), fc.integer())
    fc.assert(
      fc.property(inputs, ([width, height, channels, kernel, seed]) => {
        const n = width * height
        const value = (i: number): number => Math.sin(seed + 12.9 * i) * 10
        const planar = Float32Array.from({ length: n * channels }, (_, i) => value(i))
        const interleaved = Float32Array.from({ length: n * channels }, (_, i) =>
          value((i % channels) * n + Math.floor(i / channels)),
        )
        const back: Flow = { width, height, data: Float32Array.from({ length: 2 * n }, (_, i) => value(i + 1000)) }
        const a = warpChannels(planar, { channels, order: 'planar' }, back, kernel)
        const b = warpChannels(interleaved, { channels, order: 'interleaved' }, back, kernel)
        for (let i = 0; i < n; i++) for (let c = 0; c < channels; c++) expect(b[i * channels + c]).toBe(a[c * n + i])
      }),
    )
  })

  it('leaves an even picture even, however far the flow goes', () => {
    const distance = fc.float({ min: -1e6, max: 1e6, noNaN: true })
    fc.assert(
      fc.property(distance, distance, fc.constantFrom(...kernels), (u, v, kernel) => {
        const even = { width: 5, height: 4, data: new Float32Array(20).fill(7) }
        for (const value of warpPlane(even, uniformFlow(5, 4, u, v), kernel).data) expect(value).toBeCloseTo(7, 5)
      }),
    )
  })

  it('rounds and clamps 8-bit pictures', () => {
    const edge: Frame = {
      width: 6,
      height: 1,
      data: Uint8Array.from([0, 0, 0, 255, 255, 255].flatMap((value) => [value, value, value])),
    }
    const out = warpFrame(edge, uniformFlow(6, 1, 0.5, 0), 'cubic')
    expect(out.data).toBeInstanceOf(Uint8Array)
    expect(out.data.filter((_, i) => i % 3 === 0)).toEqual(Uint8Array.of(0, 0, 128, 255, 255, 255))
  })

  it('refuses pictures of another size than the flow', () => {
    const back = uniformFlow(4, 4, 0, 0)
    expect(() => warpImage({ width: 4, height: 3, data: new Float32Array(36) }, back)).toThrow(TypeError)
    expect(() => warpChannels(new Float32Array(15), { channels: 1, order: 'planar' }, back)).toThrow(TypeError)
  })
})
