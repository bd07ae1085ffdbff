import { describe, expect, it } from 'vitest'
import { movingTexture } from '../../test/moving-texture.ts'
import { uniformFlow } from './constant-flow.ts'
import type { Flow } from './flow.ts'
import { motionBoundary, occlusion, photometricTrust, softReliability, thresholdScale } from './reliability.ts'

const width = 40
const height = 30
const opposite = (flow: Flow): Flow => ({ ...flow, data: flow.data.map((value) => -value) })
const at = (x: number, y: number): number => y * width + x
function flowOf(field: (x: number, y: number) => readonly [number, number]): Flow {
  const data = Float32Array.from(
    { length: width * height * 2 },
    (_, q) => field((q >> 1) % width, Math.floor((q >> 1) / width))[q % 2]!,
  )
  return { width, height, data }
}
const count = (mask: Uint8Array): number => mask.reduce((a, b) => a + b, 0)

describe('occlusion', () => {
  it('is nowhere where the way back undoes the way there', () => {
    const still = uniformFlow(width, height, 0, 0)
    expect(count(occlusion(still, still))).toBe(0)
  })

  it.each([
    [-3.5, 2],
    [0.5, -0.5],
  ])('is where the flow (%d, %d) leads out of the frame, and only there', (u, v) => {
    const back = uniformFlow(width, height, u, v)
    const occluded = occlusion(back, opposite(back))
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const inside = x + u >= 0 && x + u <= width - 1 && y + v >= 0 && y + v <= height - 1
        expect(occluded[at(x, y)]).toBe(inside ? 0 : 1)
      }
    }
  })

  it('begins at |b + f|^2 = 0.01 (|b|^2 + |f|^2) + 0.5', () => {
    const back = uniformFlow(width, height, 3, 0)
    // f = -3 + d: d^2 against 0.01 (9 + (3 - d)^2) + 0.5, equal at d = 0.7682...
    const d = (-0.06 + Math.sqrt(0.06 * 0.06 + 4 * 0.99 * 0.68)) / (2 * 0.99)
    expect(occlusion(back, uniformFlow(width, height, -3 + d - 1e-3, 0))[at(5, 5)]).toBe(0)
    expect(occlusion(back, uniformFlow(width, height, -3 + d + 1e-3, 0))[at(5, 5)]).toBe(1)
  })

  it('looks up the forward flow where the backward flow leads', () => {
    const back = flowOf((x) => (x >= 20 ? [-10, 0] : [0, 0]))
    const forward = flowOf((x) => (x >= 10 && x < 30 ? [10, 0] : [0, 0]))
    const occluded = occlusion(back, forward)
    expect(occluded[at(25, 7)]).toBe(0)
    expect(occluded[at(15, 7)]).toBe(1)
    expect(occluded[at(5, 7)]).toBe(0)
  })

  it('allows twice the error in a picture of twice the size', () => {
    const still = uniformFlow(width, height, 0, 0)
    const off = uniformFlow(width, height, 1, 0)
    expect(occlusion(still, off, 1)[at(5, 5)]).toBe(1)
    expect(occlusion(still, off, 2)[at(5, 5)]).toBe(0)
  })

  it('refuses flows of different sizes', () => {
    expect(() => occlusion(uniformFlow(4, 3, 0, 0), uniformFlow(3, 4, 0, 0))).toThrow(TypeError)
  })
})

describe('motion boundaries', () => {
  it('are where |grad u|^2 + |grad v|^2 exceeds 0.01 |b|^2 + 0.002', () => {
    // u grows by s a pixel: s^2 against 0.01 u^2 + 0.002 with u = 5 + s (x - 20) about 5.
    const slope = (s: number): Uint8Array => motionBoundary(flowOf((x) => [5 + s * (x - 20), 0]))
    const s = Math.sqrt(0.01 * 25 + 0.002)
    expect(slope(s * 0.999)[at(20, 9)]).toBe(0)
    expect(slope(s * 1.001)[at(20, 9)]).toBe(1)
  })

  it('lie on both sides of a step', () => {
    const boundary = motionBoundary(flowOf((x) => [x < 20 ? 0 : 4, 0]))
    const row = Array.from(boundary.subarray(at(0, 9), at(0, 10)))
    expect(row.map((value, x) => (value === 1 ? x : -1)).filter((x) => x >= 0)).toEqual([19, 20])
  })
})

describe('the soft map', () => {
  const none = new Uint8Array(width * height)

  it('is 1 where nothing speaks against, 0 deep inside what is occluded', () => {
    const occluded = none.slice()
    for (let y = 10; y < 20; y++) occluded.fill(1, at(10, y), at(20, y))
    const trust = softReliability(occluded, none, width, height).data
    expect(trust[at(3, 3)]).toBeCloseTo(1, 6)
    expect(trust[at(15, 15)]).toBe(0)
    // A straight edge: the mean of 1 and -1, weighed by half a Gaussian each side of the pixel.
    const weights = [0, 1, 2, 3].map((k) => Math.exp(-(k * k) / (2 * 0.8 * 0.8)))
    const sum = weights[0]! + 2 * (weights[1]! + weights[2]! + weights[3]!)
    expect(trust[at(9, 15)]).toBeCloseTo(weights[0]! / sum, 5)
  })

  it('is halfway at a motion boundary', () => {
    const boundary = new Uint8Array(width * height).fill(1)
    expect(Math.max(...softReliability(none, boundary, width, height).data)).toBe(0)
    expect(Math.min(...softReliability(none, none, width, height).data)).toBeCloseTo(1, 6)
  })
})

describe('photometric trust', () => {
  it('is 1 for the right flow and falls as exp(-(e / 12)^2)', () => {
    const grey = (value: number): Uint8Array => new Uint8Array(width * height * 3).fill(value)
    const still = uniformFlow(width, height, 0, 0)
    const trust = (difference: number): number =>
      photometricTrust({ width, height, data: grey(100) }, { width, height, data: grey(100 + difference) }, still).data[at(7, 7)]!
    expect(trust(0)).toBe(1)
    expect(trust(12)).toBeCloseTo(Math.exp(-1), 4)
    expect(trust(24)).toBeCloseTo(Math.exp(-4), 4)
  })

  it('compares along the flow', () => {
    const { from, to, flow } = movingTexture(width, height, () => [4, 3])
    const mean = (back: Flow): number => {
      const { data } = photometricTrust(to, from, back)
      let sum = 0
      for (let y = 2; y < height - 6; y++) for (let x = 2; x < width - 7; x++) sum += data[at(x, y)]!
      return sum / ((height - 8) * (width - 9))
    }
    expect(mean(flow)).toBeGreaterThan(0.99)
    expect(mean(uniformFlow(width, height, 0, 0))).toBeLessThan(0.6)
  })
})

it('thresholds grow with pictures larger than those they were made for, and never shrink', () => {
  expect(thresholdScale(1024, 436)).toBe(1)
  expect(thresholdScale(2048, 872)).toBe(2)
  expect(thresholdScale(64, 48)).toBe(1)
})
