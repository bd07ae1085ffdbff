import { drift } from './drift.ts'
import type { FrameColor } from './color.ts'
import { holeQuality } from './holes.ts'
import { ratioOfMeans } from './interval.ts'
import { forEveryMeasure, type MeasuredTrack } from './measured-track.ts'
import type { DriftName, VideoMeasures, WarpErrorPart } from './measures.ts'
import { meanOf, pooledMean, type Sum } from './sum.ts'
import { groupByKeyframeDistance, speedBins } from './warp-error.ts'

/**
 * Puts together what was gathered of a video.
 *
 * @param colors The source's colours a frame, for the drift of colour.
 * @param keyframes Frame numbers, where the warp error is wanted by distance from them.
 */
export function videoMeasures(
  track: MeasuredTrack,
  baseline: MeasuredTrack | undefined,
  colors: readonly FrameColor[],
  keyframes: readonly number[] = [],
): VideoMeasures {
  const series = forEveryMeasure((name) => track.parts[name].map((part) => rounded(meanOf(part))))
  const own = driftSeries(track, colors)
  const other = baseline === undefined ? undefined : driftSeries(baseline, colors)
  return {
    name: track.name,
    values: forEveryMeasure((name) => pooledMean(track.parts[name])),
    ratios: forEveryMeasure((name) => (baseline === undefined ? null : ratioOfMeans(track.parts[name], baseline.parts[name]))),
    series,
    bySpeed: bySpeed(track, baseline),
    byKeyframeDistance: byKeyframeDistance(track, baseline, keyframes),
    drift: forEveryDrift((name) => drift(own[name])),
    driftAgainstBaseline:
      other === undefined || baseline === track
        ? null
        : forEveryDrift((name) => drift(own[name].map((value, i) => difference(value, other[name][i]!)))),
    holes: baseline === undefined || baseline === track ? null : holeQuality(track.holes, track.holePixels),
    styleStrength: baseline === undefined ? null : styleStrength(track, baseline),
  }
}

function bySpeed(track: MeasuredTrack, baseline: MeasuredTrack | undefined): WarpErrorPart[] {
  const all = track.speedParts.flat().reduce((sum, part) => sum + part.count, 0)
  return speedBins.map((_, bin) => {
    const parts = track.speedParts[bin]!
    return {
      share: all === 0 ? 0 : parts.reduce((sum, part) => sum + part.count, 0) / all,
      value: pooledMean(parts),
      ratio: baseline === undefined ? null : ratioOfMeans(parts, baseline.speedParts[bin]!),
    }
  })
}

function byKeyframeDistance(
  track: MeasuredTrack,
  baseline: MeasuredTrack | undefined,
  keyframes: readonly number[],
): (WarpErrorPart & { distance: number })[] {
  if (keyframes.length === 0) return []
  const steps = track.parts.warpError.slice(1)
  const groups = groupByKeyframeDistance(steps.length, keyframes)
  const all = groups.reduce((sum, group) => sum + group.pairs.length, 0)
  return groups.map(({ distance, pairs }) => {
    const pick = (parts: readonly Sum[]): Sum[] => pairs.map((pair) => parts[pair + 1]!)
    const parts = pick(track.parts.warpError)
    return {
      distance,
      share: pairs.length / all,
      value: pooledMean(parts),
      ratio: baseline === undefined ? null : ratioOfMeans(parts, pick(baseline.parts.warpError)),
    }
  })
}

/** Mean distance to the source over the baseline's: what is left of the style in the first and in the last 10 frames. */
function styleStrength(track: MeasuredTrack, baseline: MeasuredTrack): { first: number; last: number } | null {
  const [own, other] = [track.parts.styleDistance, baseline.parts.styleDistance]
  const ratio = (from: number, to?: number): number | null => {
    const [above, below] = [pooledMean(own.slice(from, to)), pooledMean(other.slice(from, to))]
    return above === null || below === null || below === 0 ? null : above / below
  }
  const [first, last] = [ratio(0, 10), ratio(-10)]
  return first === null || last === null ? null : { first, last }
}

const driftNames: readonly DriftName[] = ['L', 'a', 'b', 'chroma', 'sharpness', 'warpError', 'styleDistance']

function forEveryDrift<T>(make: (name: DriftName) => T): Record<DriftName, T> {
  return Object.fromEntries(driftNames.map((name) => [name, make(name)])) as Record<DriftName, T>
}

function driftSeries(track: MeasuredTrack, source: readonly FrameColor[]): Record<DriftName, (number | null)[]> {
  return forEveryDrift((name) => {
    if (name === 'L' || name === 'a' || name === 'b' || name === 'chroma')
      return track.colors.map((color, i) => color[name] - source[i]![name])
    return track.parts[name].map(meanOf)
  })
}

function difference(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a - b
}

/** Six digits are enough and keep the file small. */
function rounded(value: number | null): number | null {
  return value === null ? null : Number(value.toPrecision(6))
}
