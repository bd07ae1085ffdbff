import { describe, expect, it } from 'vitest'
import { maxDifference } from '../../test/safetensors.ts'
import type { FloatImage } from '../image/frame.ts'
import { Random } from '../random.ts'
import { negatedFlow, predictFromPrevious, unsharp } from './prediction.ts'

const [width, height] = [24, 16]
const image: FloatImage = {
  width,
  height,
  data: Float32Array.from(new Random(1).normals(width * height * 3), (value) => 0.5 + value / 8),
}

describe('the prediction of the 2023 script', () => {
  it('is the previous result where nothing moved, sharpened if asked', () => {
    const still = { width, height, data: new Float32Array(width * height * 2) }
    expect(predictFromPrevious(image, still, { sharpen: false }).data).toEqual(image.data)
    const sharp = predictFromPrevious(image, still, { sharpen: true })
    expect(sharp.data).toEqual(unsharp(image, 0.12, 2).data)
  })

  it('takes each pixel from where the flow points', () => {
    const back = { width, height, data: new Float32Array(width * height * 2).map((_, i) => (i % 2 === 0 ? 3 : -2)) }
    const moved = predictFromPrevious(image, back, { sharpen: false })
    const at = (x: number, y: number): number => (y * width + x) * 3
    expect(moved.data[at(5, 7)]).toBeCloseTo(image.data[at(8, 5)]!, 6)
    expect(negatedFlow(back).data.slice(0, 2)).toEqual(Float32Array.of(-3, 2))
  })

  it('sharpens by 0.12 of what a Gaussian of 2 pixels takes away', () => {
    const flat: FloatImage = { width, height, data: new Float32Array(width * height * 3).fill(0.3) }
    expect(maxDifference(unsharp(flat, 0.12, 2).data, flat.data)).toBeLessThan(1e-6)
    const dot: FloatImage = { width, height, data: new Float32Array(width * height * 3) }
    const centre = (8 * width + 12) * 3
    dot.data[centre] = 1
    // Peak of the Gaussian: the square of that in one dimension.
    const peak = 1 / Array.from({ length: 13 }, (_, k) => Math.exp(-((k - 6) ** 2) / 8)).reduce((sum, value) => sum + value, 0)
    const sharp = unsharp(dot, 0.12, 2).data
    expect(sharp[centre]).toBeCloseTo(1.12 - 0.12 * peak ** 2, 5)
    expect(sharp[centre + 3]).toBeCloseTo(-0.12 * peak ** 2 * Math.exp(-1 / 8), 5)
    expect(sharp[centre + 1]).toBe(0)
  })
})
