import { median } from './interval.ts'
import type { MeasureName, VideoMeasures } from './measures.ts'

/** A frame that is worth a look. */
export interface WorstFrame {
  readonly frame: number
  /** What is wrong there, for people. */
  readonly reason: string
  /** Times the clip's middle value. */
  readonly factor: number
}

const reasons: readonly (readonly [MeasureName, string])[] = [
  ['secondDifference', 'jumps out of line'],
  ['warpError', 'changes while it moves'],
  ['flicker3', 'still areas shimmer'],
  ['jitter', 'brightness jumps'],
]

/**
 * The frames that stand furthest above the middle of their own clip, worst first, each with its reason. Frames closer than 3 to a worse
 * one are left out, since one fault lifts its neighbours too.
 *
 * @param most How many at most.
 */
export function worstFrames(video: VideoMeasures, most = 6): WorstFrame[] {
  const candidates: WorstFrame[] = reasons.flatMap(([name, reason]) => {
    const series = video.series[name]
    const known = series.filter((value) => value !== null)
    const middle = known.length === 0 ? 0 : median(known)
    if (middle <= 0) return []
    return series.flatMap((value, frame) => {
      // Half a step of lightness over the whole picture is not seen.
      if (value === null || (name === 'jitter' && value < 0.5)) return []
      return [{ frame, reason, factor: value / middle }]
    })
  })
  const chosen: WorstFrame[] = []
  for (const candidate of candidates.sort((a, b) => b.factor - a.factor)) {
    if (chosen.length === most) break
    if (chosen.every((other) => Math.abs(other.frame - candidate.frame) >= 3)) chosen.push(candidate)
  }
  return chosen
}
