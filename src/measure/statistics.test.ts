import { expect, test } from 'vitest'
import { Random } from '../random.ts'
import { drift } from './drift.ts'
import { outliers } from './findings.ts'
import { median, percentile, ratioOfMeans } from './interval.ts'
import { one } from './sum.ts'

test('percentiles lie between ranks', () => {
  expect(percentile([1, 2, 3, 4], 0.5)).toBe(2.5)
  expect(percentile([1, 2, 3, 4], 1)).toBe(4)
  expect(median([9, 1, 5])).toBe(5)
})

test('a ratio that is the same in every pair has no width', () => {
  const baseline = [2, 4, 8, 3].map(one)
  const ratio = ratioOfMeans(
    baseline.map((part) => one(part.total / 4)),
    baseline,
  )!
  expect(ratio.value).toBeCloseTo(0.25, 12)
  expect(ratio.low).toBeCloseTo(0.25, 12)
  expect(ratio.high).toBeCloseTo(0.25, 12)
})

test('the ratio is of means, pooled by what was counted, and the same every time', () => {
  const result = [
    { total: 10, count: 10 },
    { total: 2, count: 1 },
    { total: 0, count: 0 },
  ]
  const baseline = [one(4), one(8), one(0)]
  const ratio = ratioOfMeans(result, baseline)!
  expect(ratio.value).toBeCloseTo(12 / 11 / 4, 12)
  expect(ratioOfMeans(result, baseline)).toEqual(ratio)
  expect(ratio.low).toBeLessThan(ratio.value)
  expect(ratio.high).toBeGreaterThan(ratio.value)
  expect(ratioOfMeans([one(1)], [one(0)])).toBeNull()
  expect(() => ratioOfMeans([one(1)], [])).toThrow(RangeError)
})

test('the interval of a ratio is as wide as theory says', () => {
  const random = new Random(4)
  const result = Array.from({ length: 400 }, () => one(1 + 0.5 * random.normal()))
  const ratio = ratioOfMeans(
    result,
    result.map(() => one(1)),
  )!
  // Standard error 0.5 / 20, so 3.92 of them.
  expect(ratio.high - ratio.low).toBeGreaterThan(0.8 * 0.098)
  expect(ratio.high - ratio.low).toBeLessThan(1.2 * 0.098)
})

test('drift finds the slope of a ramp in noise and none in noise alone', () => {
  const random = new Random(5)
  const noise = Array.from({ length: 120 }, () => random.normal())
  const flat = drift(noise)!
  expect(flat.low).toBeLessThan(0)
  expect(flat.high).toBeGreaterThan(0)
  const ramp = drift(noise.map((value, t) => (t === 7 ? null : value + 0.05 * t + 3)))!
  expect(ramp.slope).toBeCloseTo(0.05, 1)
  expect(ramp.low).toBeGreaterThan(0.03)
  expect(ramp.high).toBeLessThan(0.07)
})

test('an offset alone is no drift; first and last five are reported beside the slope', () => {
  const line = drift(Array.from({ length: 20 }, () => 6))!
  expect(line).toEqual({ slope: 0, low: 0, high: 0, first: 6, last: 6 })
  expect(drift(Array.from({ length: 20 }, (_, t) => t))).toMatchObject({ first: 2, last: 17 })
  expect(drift([1, 2, 3])).toBeNull()
})

test('slow waves do not pass for drift as easily as single resampled frames would let them', () => {
  const wave = Array.from({ length: 100 }, (_, t) => Math.sin(t / 12))
  const line = drift(wave)!
  expect(line.high - line.low).toBeGreaterThan(0.006)
})

test('outliers are single peaks, not steady noise', () => {
  const random = new Random(6)
  const calm = Array.from({ length: 60 }, () => 1 + 0.1 * Math.abs(random.normal()))
  expect(outliers(calm)).toEqual([])
  const glitch = calm.map((value, t) => (t === 20 ? 9 : t === 19 || t === 21 ? 4.5 : value))
  expect(outliers([null, ...glitch])).toEqual([21])
  // Far outside a tiny spread, yet nothing anyone would see.
  expect(outliers(calm.map((_, t) => (t === 20 ? 1.5 : 1 + 0.001 * (t % 3))))).toEqual([])
})
