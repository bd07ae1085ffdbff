import type { Frame } from '../image/frame.ts'

/** Cells along a side of the coarse picture that layouts are compared on. */
const grid = 8
/** Levels a channel of the colour histogram. */
const levels = 8

/**
 * True where a new shot begins with `current`: colours and layout change at once and the flow between the frames is not to be believed.
 * A flash keeps its layout, a fast pan its colours and a flow that is believed in part; neither is a cut.
 *
 * @param trusted Mean trust of the flow between the two frames, 0..1.
 */
export function isCut(previous: Frame, current: Frame, trusted: number): boolean {
  if (trusted > 0.45) return false
  const colours = histogramDistance(previous, current)
  const layout = layoutDistance(previous, current)
  return colours + layout > 0.55 + trusted
}

/** Half the L1 distance of the colour histograms: 0 equal, 1 disjoint. */
export function histogramDistance(a: Frame, b: Frame): number {
  const one = histogram(a)
  const two = histogram(b)
  let sum = 0
  for (let i = 0; i < one.length; i++) sum += Math.abs(one[i]! - two[i]!)
  return sum / 2
}

function histogram({ data }: Frame): Float64Array {
  const counts = new Float64Array(levels ** 3)
  const share = 3 / data.length
  for (let i = 0; i < data.length; i += 3)
    counts[
      ((data[i]! * levels) >> 8) * levels * levels + ((data[i + 1]! * levels) >> 8) * levels + ((data[i + 2]! * levels) >> 8)
    ]! += share
  return counts
}

/** 1 - correlation of the grey pictures reduced to 8x8 cells, halved: 0 same layout, 0.5 unrelated, 1 negative. Brightness and contrast do not count. */
export function layoutDistance(a: Frame, b: Frame): number {
  const one = cells(a)
  const two = cells(b)
  const n = one.length
  const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / n
  const [m1, m2] = [mean(one), mean(two)]
  let [cross, s1, s2] = [0, 0, 0]
  for (let i = 0; i < n; i++) {
    cross += (one[i]! - m1) * (two[i]! - m2)
    s1 += (one[i]! - m1) ** 2
    s2 += (two[i]! - m2) ** 2
  }
  const flat = 1e-6 * n
  if (s1 < flat || s2 < flat) return s1 < flat && s2 < flat ? 0 : 0.5
  return (1 - cross / Math.sqrt(s1 * s2)) / 2
}

function cells({ width, height, data }: Frame): Float64Array {
  const sums = new Float64Array(grid * grid)
  const counts = new Float64Array(grid * grid)
  for (let y = 0, i = 0; y < height; y++) {
    const row = Math.floor((y * grid) / height) * grid
    for (let x = 0; x < width; x++, i += 3) {
      const cell = row + Math.floor((x * grid) / width)
      sums[cell]! += 0.299 * data[i]! + 0.587 * data[i + 1]! + 0.114 * data[i + 2]!
      counts[cell]! += 1
    }
  }
  for (let i = 0; i < sums.length; i++) sums[i] = sums[i]! / Math.max(1, counts[i]!)
  return sums
}
