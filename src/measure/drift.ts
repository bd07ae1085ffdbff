import { Random } from '../random.ts'
import { percentile } from './interval.ts'

/** A straight line through a series over time. */
export interface Drift {
  /** Change a frame, least squares. */
  readonly slope: number
  /** 2.5 and 97.5 percentiles of the slope. */
  readonly low: number
  readonly high: number
  /** Mean of the first and of the last 5 values. */
  readonly first: number
  readonly last: number
}

/** Shorter series have no drift to speak of. */
export const leastDriftFrames = 10

/**
 * Slope of a series over its index, with a 95 % interval by a moving block bootstrap of the residuals (neighbouring frames are alike, so
 * single frames must not be resampled on their own). Flat with an offset differs from a slope: the first and last 5 are reported beside it.
 *
 * @param values One a frame; null where it could not be measured.
 * @returns null for fewer than 10 values.
 * @see Kuensch, The jackknife and the bootstrap for general stationary observations, 1989
 */
export function drift(values: readonly (number | null)[], rounds = 1000): Drift | null {
  const points = values.flatMap((value, index) => (value === null ? [] : [{ index, value }]))
  const n = points.length
  if (n < leastDriftFrames) return null
  const xs = points.map((point) => point.index)
  const ys = points.map((point) => point.value)
  const line = fitLine(xs, ys)
  const residuals = ys.map((y, i) => y - line.start - line.slope * xs[i]!)
  const block = Math.max(2, Math.round(Math.sqrt(n)))
  const random = new Random(n, 0x6472_6966)
  const middle = mean(xs)
  const spread = xs.reduce((sum, x) => sum + (x - middle) ** 2, 0)
  const slopes: number[] = []
  for (let round = 0; round < rounds; round++) {
    // The slope of line and residuals together is the line's plus that of the residuals alone.
    let above = 0
    for (let i = 0; i < n; i += block) {
      const from = Math.floor(random.uniform() * (n - block + 1))
      for (let k = 0; k < block && i + k < n; k++) above += (xs[i + k]! - middle) * residuals[from + k]!
    }
    slopes.push(line.slope + above / spread)
  }
  slopes.sort((a, b) => a - b)
  return {
    slope: line.slope,
    low: percentile(slopes, 0.025),
    high: percentile(slopes, 0.975),
    first: mean(ys.slice(0, 5)),
    last: mean(ys.slice(-5)),
  }
}

function fitLine(xs: readonly number[], ys: readonly number[]): { slope: number; start: number } {
  const mx = mean(xs)
  const my = mean(ys)
  let [above, below] = [0, 0]
  for (let i = 0; i < xs.length; i++) {
    above += (xs[i]! - mx) * (ys[i]! - my)
    below += (xs[i]! - mx) ** 2
  }
  const slope = below === 0 ? 0 : above / below
  return { slope, start: my - slope * mx }
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length
}
