import { Random } from '../random.ts'
import type { Sum } from './sum.ts'

/** A ratio with the 2.5 and 97.5 percentiles of its bootstrap. */
export interface Ratio {
  readonly value: number
  readonly low: number
  readonly high: number
}

/**
 * Ratio of two pooled means, result over baseline, with a 95 % interval: the pairs are resampled with replacement and the
 * ratio of means is taken each time. Part i of both lists belongs to the same pair of frames.
 *
 * @param rounds How often is resampled.
 * @returns null where either side counted nothing or the baseline's mean is 0.
 * @throws RangeError if the lists differ in length.
 * @see Efron, Bootstrap methods: another look at the jackknife, 1979
 */
export function ratioOfMeans(result: readonly Sum[], baseline: readonly Sum[], rounds = 1000): Ratio | null {
  if (result.length !== baseline.length)
    throw new RangeError(`A ratio needs as many parts on both sides, got ${result.length} and ${baseline.length}.`)
  const n = result.length
  const value = ratio(result, baseline, (i) => i)
  if (value === null) return null
  const random = new Random(n, 0x6d65_6173)
  const picks = new Int32Array(n)
  const ratios: number[] = []
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < n; i++) picks[i] = Math.floor(random.uniform() * n)
    const drawn = ratio(result, baseline, (i) => picks[i]!)
    if (drawn !== null) ratios.push(drawn)
  }
  ratios.sort((a, b) => a - b)
  return { value, low: percentile(ratios, 0.025), high: percentile(ratios, 0.975) }
}

function ratio(result: readonly Sum[], baseline: readonly Sum[], pick: (i: number) => number): number | null {
  let [above, aboveCount, below, belowCount] = [0, 0, 0, 0]
  for (let i = 0; i < result.length; i++) {
    const k = pick(i)
    above += result[k]!.total
    aboveCount += result[k]!.count
    below += baseline[k]!.total
    belowCount += baseline[k]!.count
  }
  if (aboveCount === 0 || belowCount === 0 || below === 0) return null
  return above / aboveCount / (below / belowCount)
}

/** Linear between the neighbouring ranks of an ascending list; `share` 0..1. NaN for an empty list. */
export function percentile(sorted: readonly number[], share: number): number {
  if (sorted.length === 0) return NaN
  const place = share * (sorted.length - 1)
  const below = Math.floor(place)
  const next = Math.min(below + 1, sorted.length - 1)
  return sorted[below]! + (place - below) * (sorted[next]! - sorted[below]!)
}

/** Middle of a list in any order. NaN for an empty list. */
export function median(values: readonly number[]): number {
  return percentile(
    values.toSorted((a, b) => a - b),
    0.5,
  )
}
