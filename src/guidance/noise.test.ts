import { describe, expect, it } from 'vitest'
import { freshNoise, sharedNoise } from './noise.ts'

const shape = { channels: 4, height: 32, width: 48 }

function correlation(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0) / a.length
}

describe('starting noise', () => {
  it('is the same for the same seed and frame, and unrelated otherwise', () => {
    const one = freshNoise(7, 3, shape)
    expect(freshNoise(7, 3, shape)).toEqual(one)
    expect(sharedNoise(7, shape)).toEqual(sharedNoise(7, shape))
    for (const other of [freshNoise(7, 4, shape), freshNoise(8, 3, shape), freshNoise(3, 7, shape), sharedNoise(7, shape)])
      expect(Math.abs(correlation(one, other))).toBeLessThan(4 / Math.sqrt(one.length))
  })

  it('is standard normal', () => {
    const noise = freshNoise(1, 0, shape)
    expect(noise).toHaveLength(4 * 32 * 48)
    expect(Math.abs(noise.reduce((sum, value) => sum + value, 0) / noise.length)).toBeLessThan(0.05)
    expect(Math.abs(correlation(noise, noise) - 1)).toBeLessThan(0.07)
  })
})
