import { describe, expect, it } from 'vitest'
import type { FloatImage } from '../image/frame.ts'
import { Random } from '../random.ts'
import { mixSharply } from './mix.ts'

const [width, height] = [64, 48]
const evenly = (share: number): Float32Array => new Float32Array(width * height).fill(share)
function picture(at: (i: number) => number): FloatImage {
  return { width, height, data: Float32Array.from({ length: 3 * width * height }, (_, i) => at(Math.floor(i / 3))) }
}
const drawing = (seed: number): FloatImage => {
  const values = new Random(seed).normals(width * height)
  return picture((i) => 0.5 + 0.1 * values[i]!)
}
function contrast({ data }: FloatImage): number {
  const mean = data.reduce((a, b) => a + b) / data.length
  return Math.sqrt(data.reduce((sum, value) => sum + (value - mean) ** 2, 0) / data.length)
}

describe('mixed pictures', () => {
  it('are the picture itself where both are alike', () => {
    const one = drawing(1)
    const mix = mixSharply([one, one], [evenly(0.3), evenly(0.7)])
    for (let i = 0; i < mix.data.length; i += 7) expect(mix.data[i]).toBeCloseTo(one.data[i]!, 5)
  })

  it('keep the contrast of drawings that have nothing in common, which plain mixing takes 3 tenths of', () => {
    const mix = mixSharply([drawing(1), drawing(2)], [evenly(0.5), evenly(0.5)])
    const plain = picture((i) => 0.5 * (drawing1[3 * i]! + drawing2[3 * i]!))
    expect(contrast(plain)).toBeCloseTo(0.1 * Math.SQRT1_2, 2)
    expect(contrast(mix)).toBeGreaterThan(0.092)
    expect(contrast(mix)).toBeLessThan(0.103)
  })

  it('meet in the middle where flat tones differ, without any edge made sharper than it was', () => {
    const mix = mixSharply([picture(() => 0.2), picture(() => 0.6)], [evenly(0.25), evenly(0.75)])
    for (let i = 0; i < mix.data.length; i += 5) expect(mix.data[i]).toBeCloseTo(0.5, 5)
  })

  it('do not raise the grain of nearly flat areas', () => {
    const grain = (seed: number): FloatImage => {
      const values = new Random(seed).normals(width * height)
      return picture((i) => 0.5 + 0.001 * values[i]!)
    }
    expect(contrast(mixSharply([grain(1), grain(2)], [evenly(0.5), evenly(0.5)]))).toBeLessThan(0.00075)
  })
})

const drawing1 = drawing(1).data
const drawing2 = drawing(2).data
