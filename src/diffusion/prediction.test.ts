import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { maxDifference } from '../../test/safetensors.ts'
import { cfg, mixBranches } from './cfg.ts'
import { addNoise, outputFromX0, toVarianceExploding, toVariancePreserving, x0FromOutput } from './prediction.ts'

const latent = fc.float32Array({ minLength: 4, maxLength: 4, noNaN: true, min: -3, max: 3 })
const sigma = fc.double({ min: 0.03, max: 15, noNaN: true })
const types = fc.constantFrom<'epsilon' | 'v_prediction'>('epsilon', 'v_prediction')

describe('predictions', () => {
  it('are what they are defined as', () => {
    fc.assert(
      fc.property(latent, latent, sigma, (x0, eps, s) => {
        const a = 1 / (1 + s * s)
        const x = addNoise(x0, eps, s)
        const seen = x0.map((value, i) => Math.sqrt(a) * value + Math.sqrt(1 - a) * eps[i]!)
        const v = x0.map((value, i) => Math.sqrt(a) * eps[i]! - Math.sqrt(1 - a) * value)
        expect(maxDifference(toVariancePreserving(x, s), seen)).toBeLessThan(1e-5)
        expect(maxDifference(x0FromOutput(x, s, eps, 'epsilon'), x0)).toBeLessThan(2e-5)
        expect(maxDifference(x0FromOutput(x, s, v, 'v_prediction'), x0)).toBeLessThan(2e-5)
        expect(maxDifference(outputFromX0(x, s, x0, 'epsilon'), eps)).toBeLessThan(3e-4)
        expect(maxDifference(outputFromX0(x, s, x0, 'v_prediction'), v)).toBeLessThan(3e-4)
      }),
    )
  })

  it('come back from both scalings', () => {
    fc.assert(
      fc.property(latent, sigma, (x, s) => {
        expect(maxDifference(toVarianceExploding(toVariancePreserving(x, s), s), x)).toBeLessThan(1e-5)
      }),
    )
  })

  it('refuse latents of different lengths', () => {
    expect(() => addNoise(Float32Array.of(1), Float32Array.of(1, 2), 1)).toThrow(TypeError)
    expect(() => mixBranches(Float32Array.of(1), Float32Array.of(1, 2), 1)).toThrow(TypeError)
  })
})

describe('cfg', () => {
  it('lies on the line through both predictions', async () => {
    const branches = async () => ({ positive: Float32Array.of(3, 1), negative: Float32Array.of(1, 2) })
    expect(await cfg(branches, 1)(Float32Array.of(0, 0), 1)).toEqual(Float32Array.of(3, 1))
    expect(await cfg(branches, 0)(Float32Array.of(0, 0), 1)).toEqual(Float32Array.of(1, 2))
    expect(await cfg(branches, 7)(Float32Array.of(0, 0), 1)).toEqual(Float32Array.of(15, -5))
  })

  it('gives the same whether outputs or x0 are mixed', () => {
    fc.assert(
      fc.property(
        latent,
        latent,
        latent,
        sigma,
        types,
        fc.double({ min: 1, max: 10, noNaN: true }),
        (x, one, two, s, type, scale) => {
          const late = mixBranches(x0FromOutput(x, s, one, type), x0FromOutput(x, s, two, type), scale)
          const early = x0FromOutput(x, s, mixBranches(one, two, scale), type)
          expect(maxDifference(late, early)).toBeLessThan(1e-3)
        },
      ),
    )
  })

  it('hands latent, sigma and signal on', async () => {
    const { signal } = new AbortController()
    const seen: unknown[] = []
    const x = Float32Array.of(1)
    await cfg(async (...given) => {
      seen.push(...given)
      return { positive: x, negative: x }
    }, 2)(x, 3, signal)
    expect(seen).toEqual([x, 3, signal])
  })
})
